//! How colours are to be understood.

/// How colours are to be understood: ITU-T H.273 code points, 2 for "unspecified".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Whether samples use the full range of their bits.
    pub range: ColorRange,
    /// Colour primaries: 1 for BT.709, 9 for BT.2020.
    pub primaries: u8,
    /// Transfer characteristics: 1 for BT.709, 16 for PQ, 18 for HLG.
    pub transfer: u8,
    /// Matrix coefficients: 1 for BT.709, 9 for BT.2020 non-constant luminance.
    pub matrix: u8,
}

/// The range of the samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorRange {
    /// Nobody said; players take it for limited.
    #[default]
    Unspecified,
    /// 16 to 235 (luma, 8 bits): "MPEG", "TV".
    Limited,
    /// 0 to 255 (8 bits): "JPEG", "PC".
    Full,
}

impl Default for Color {
    fn default() -> Self {
        Color { range: ColorRange::Unspecified, primaries: 2, transfer: 2, matrix: 2 }
    }
}
