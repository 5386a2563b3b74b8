//! Levels: table A-1 of the standard, as far as the picture size, the rate and the reference frames decide.

/// level_idc, macroblocks per second, macroblocks per picture, macroblocks in the decoded picture buffer.
const LEVELS: [(u8, u64, u64, u64); 17] = [
    (10, 1_485, 99, 396),
    (11, 3_000, 396, 900),
    (12, 6_000, 396, 2_376),
    (13, 11_880, 396, 2_376),
    (20, 11_880, 396, 2_376),
    (21, 19_800, 792, 4_752),
    (22, 20_250, 1_620, 8_100),
    (30, 40_500, 1_620, 8_100),
    (31, 108_000, 3_600, 18_000),
    (32, 216_000, 5_120, 20_480),
    (40, 245_760, 8_192, 32_768),
    (42, 522_240, 8_704, 34_816),
    (50, 589_824, 22_080, 110_400),
    (51, 983_040, 36_864, 184_320),
    (52, 2_073_600, 36_864, 184_320),
    (60, 4_177_920, 139_264, 696_320),
    (62, 16_711_680, 139_264, 696_320),
];

/// The lowest level that holds such pictures, at least `wanted` (0: whatever is needed). The bit rate is left out of account:
/// I_PCM exceeds every level's.
pub fn level(wanted: u32, macroblocks: u64, frame_rate: (u32, u32), references: u64) -> u8 {
    let (numerator, denominator) = frame_rate;
    let per_second = macroblocks.saturating_mul(numerator.into()) / u64::from(denominator.max(1));
    let fits = |(_, rate, picture, buffer): &&(u8, u64, u64, u64)| {
        per_second <= *rate && macroblocks <= *picture && macroblocks * references <= *buffer
    };
    let needed = LEVELS.iter().find(fits).map_or(62, |level| level.0);
    needed.max(u8::try_from(wanted).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn the_usual_sizes_have_their_usual_levels() {
        assert_eq!(level(0, 120 * 68, (30, 1), 2), 40);
        assert_eq!(level(0, 120 * 68, (60, 1), 2), 42);
        assert_eq!(level(0, 80 * 45, (30, 1), 2), 31);
        assert_eq!(level(0, 240 * 135, (30, 1), 2), 51);
        assert_eq!(level(51, 22 * 18, (25, 1), 1), 51, "a higher one is kept");
        assert_eq!(level(10, 120 * 68, (30, 1), 1), 40, "one too low is raised");
    }
}
