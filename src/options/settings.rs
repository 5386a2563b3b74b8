//! What the typed options of every encoder are made of: a list of FFmpeg's options by name, and enums of FFmpeg's
//! words.

use crate::types::setting::Setting;

/// Options that were set, in the order in which FFmpeg is given them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings(Vec<Setting>);

impl Settings {
    /// FFmpeg's defaults, but that forced keyframes are IDR pictures: else a decoder cannot start at every one of them.
    pub(crate) fn with_forced_idr() -> Self {
        let mut settings = Settings::none();
        settings.set("forced-idr", 1);
        settings
    }
    /// FFmpeg's defaults.
    pub(crate) fn none() -> Self {
        Settings(Vec::new())
    }
    /// Sets an option. It takes the place of an earlier value of that name, and comes last, since FFmpeg has second
    /// names for some of its options (`spatial_aq`) and the last one given counts.
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.0.retain(|setting| setting.name != name);
        self.0.push(Setting::new(name, value));
    }
    pub(crate) fn to_vec(&self) -> Vec<Setting> {
        self.0.clone()
    }
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|setting| setting.name == name).map(|setting| setting.value.as_str())
    }
    /// Whether an option is set to a number that fits; FFmpeg has -1 or 0 for "not set" in many of them.
    pub(crate) fn number(&self, name: &str, fits: impl Fn(f64) -> bool) -> bool {
        self.value(name).and_then(|value| value.parse().ok()).is_some_and(fits)
    }
}

/// An enum of the words that FFmpeg has for an option's values. `Display` gives the word.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(
                $(#[$doc])*
                #[doc = concat!("(`", $word, "`)")]
                $value,
            )+
        }
        impl $name {
            /// All of them, for a program that lets its user choose.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];
        }
        impl std::fmt::Display for $name {
            /// FFmpeg's word for it.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(match self {
                    $(Self::$value => $word,)+
                })
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_comes_last() {
        let mut settings = Settings::with_forced_idr();
        settings.set("preset", "p1");
        settings.set("tune", "hq");
        settings.set("preset", "p7");
        let expected = [("forced-idr", "1"), ("tune", "hq"), ("preset", "p7")];
        assert_eq!(settings.to_vec(), expected.map(|(name, value)| Setting::new(name, value)));
    }

    #[test]
    fn numbers_that_ffmpeg_takes_for_unset_do_not_fit() {
        let mut settings = Settings::none();
        assert!(!settings.number("qp", |qp| qp >= 0.0));
        settings.set("qp", -1);
        assert!(!settings.number("qp", |qp| qp >= 0.0));
        settings.set("qp", 0);
        assert!(settings.number("qp", |qp| qp >= 0.0));
    }
}
