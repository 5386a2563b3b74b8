//! AVOptions of a codec that is not yet open: found by name before they are set, since FFmpeg drops unknown names in some
//! calls and answers with a bare code in others.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{CodecContext, c_string, check, strings},
    types::setting::Setting,
};
use std::{collections::BTreeSet, ffi::CStr};

impl CodecContext {
    /// Sets options by name: the codec's own, and the generic ones of encoders.
    pub(crate) fn set_options(&mut self, settings: &[Setting]) -> Result<()> {
        settings.iter().try_for_each(|setting| self.set_option(setting))
    }
    fn set_option(&mut self, setting: &Setting) -> Result<()> {
        strings::check_encoder_option(setting)?;
        let (name, value) = (c_string("option", &setting.name)?, c_string(&setting.name, &setting.value)?);
        let context = self.as_ptr();
        let flags = ffi::AV_OPT_SEARCH_CHILDREN;
        // SAFETY: the context is live and starts with its AVClass, as av_opt_* want; the name is terminated.
        let found = unsafe {
            ffi::av_opt_find2(
                context.cast(),
                name.as_ptr(),
                std::ptr::null(),
                ffi::AV_OPT_FLAG_ENCODING_PARAM,
                flags,
                std::ptr::null_mut(),
            )
        };
        if found.is_null() {
            return Err(self.no_option(setting));
        }
        // SAFETY: as above; the codec is not open, which is the one time at which options may be set.
        check("av_opt_set", || unsafe { ffi::av_opt_set(context.cast(), name.as_ptr(), value.as_ptr(), flags) })
            .map_err(|error| {
                let reason = format!("`{}` is no value of {}'s option `{}`", setting.value, self.name(), setting.name);
                error.with_kind(ErrorKind::InvalidSetting { name: setting.name.clone() }).detail(reason)
            })?;
        self.check_inner_options(setting)
    }
    fn no_option(&self, setting: &Setting) -> Error {
        let name = setting.name.clone();
        if let Some(since) = setting.since {
            let kind = ErrorKind::OptionUnavailable { name, since: since.into() };
            return Error::new(kind, "av_opt_find").detail(format!(
                "{}'s option `{}` needs FFmpeg {since} or later",
                self.name(),
                setting.name
            ));
        }
        let nearest = nearest(&name, &self.option_names());
        let hint = nearest.as_ref().map_or(String::new(), |nearest| format!(": did you mean `{nearest}`?"));
        let detail = format!("{} has no option `{name}`{hint}", self.name());
        Error::new(ErrorKind::OptionUnknown { name, nearest }, "av_opt_find").detail(detail)
    }
    /// Names of the options that an encoder takes: its own and the generic ones.
    fn option_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        // SAFETY: the context is live; an AVCodecContext's priv_data is null or starts with its AVClass where the codec has
        // a priv_class, which is how FFmpeg itself walks them.
        unsafe {
            let context = self.as_ptr();
            collect(context.cast(), ffi::AV_OPT_FLAG_ENCODING_PARAM, &mut names);
            let codec = (*context).codec;
            if !(*context).priv_data.is_null() && !codec.is_null() && !(*codec).priv_class.is_null() {
                collect((*context).priv_data, ffi::AV_OPT_FLAG_ENCODING_PARAM, &mut names);
            }
        }
        names
    }
}

/// Names of the options that objects of a class have; none for null.
pub(in crate::raw) fn names_of(class: *const ffi::AVClass) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if !class.is_null() {
        // SAFETY: a pointer to a class is all of an object that av_opt_next reads; classes are static.
        unsafe { collect((&raw const class).cast_mut().cast(), !0, &mut names) };
    }
    names
}

/// # Safety
/// `object` starts with a pointer to its AVClass.
unsafe fn collect(object: *mut std::ffi::c_void, flags: i32, names: &mut BTreeSet<String>) {
    let mut option = std::ptr::null();
    loop {
        // SAFETY: by the caller's word; av_opt_next walks a static table and ends with null.
        option = unsafe { ffi::av_opt_next(object, option) };
        // SAFETY: not null, so an entry of that table.
        let Some(entry) = (unsafe { option.as_ref() }) else { return };
        if entry.type_ != ffi::AV_OPT_TYPE_CONST && entry.flags & flags != 0 {
            // SAFETY: an option's name is a static terminated string.
            names.insert(unsafe { CStr::from_ptr(entry.name) }.to_string_lossy().into_owned());
        }
    }
}

/// The name with the fewest edits, unless it is another word altogether.
pub(in crate::raw) fn nearest(name: &str, names: &BTreeSet<String>) -> Option<String> {
    if name.len() > 64 {
        return None; // no option's name is so long, and the search is long for it
    }
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let wanted = plain(name);
    let (distance, best) = names.iter().map(|known| (edits(&wanted, &plain(known)), known)).min()?;
    (distance <= wanted.len().div_ceil(3)).then(|| best.clone())
}

/// Levenshtein distance, in bytes: option names are ASCII.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = std::mem::replace(&mut row[j + 1], 0);
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("preset", "preset"), 0);
        assert_eq!(edits("prest", "preset"), 1);
        assert_eq!(edits("tune", "turn"), 2);
        assert_eq!(edits("", "abc"), 3);
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["preset", "profile", "rc-lookahead", "zerolatency"].map(String::from).into();
        assert_eq!(nearest("prest", &names).as_deref(), Some("preset"));
        assert_eq!(nearest("rc_lookahed", &names).as_deref(), Some("rc-lookahead"));
        assert_eq!(nearest("colour", &names), None);
    }

    /// A name may be as long as memory is, and would be compared with each of some hundred.
    #[test]
    fn a_name_that_is_longer_than_any_is_near_to_none() {
        let names = ["a".repeat(64)].into();
        let [long, longer] = [64, 65].map(|length| "b".to_owned() + &"a".repeat(length - 1));
        assert!(nearest(&long, &names).is_some());
        assert_eq!(nearest(&longer, &names), None);
    }
}
