//! AVDictionary: options for formats and protocols, by name. FFmpeg takes those that it knows out and leaves the others, unsaid.

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        avutil::options::{names_of, nearest},
        c_string, check, strings,
    },
    types::setting::Setting,
};
use std::{collections::BTreeSet, ffi::CStr, ptr};

/// An owned AVDictionary, empty where nothing was set.
pub(crate) struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    /// Options of a format or a protocol, if they may be set by name.
    pub(crate) fn new(settings: &[Setting]) -> Result<Self> {
        let mut dictionary = Dictionary(ptr::null_mut());
        settings.iter().try_for_each(|setting| {
            strings::check_format_option(setting)?;
            dictionary.set(setting)
        })?;
        Ok(dictionary)
    }
    /// Entries as FFmpeg reads them out of one string, `key=value:key=value` with quotes and backslashes; what does not read on to its end
    /// gives those before (av_dict_parse_string).
    pub(in crate::raw) fn parse(name: &str, value: &str) -> Result<Self> {
        let mut dictionary = Dictionary(ptr::null_mut());
        let value = c_string(name, value)?;
        // SAFETY: the dictionary is ours; the strings are terminated, and what is found in them is copied.
        unsafe { ffi::av_dict_parse_string(&mut dictionary.0, value.as_ptr(), c"=".as_ptr(), c":".as_ptr(), 0) };
        Ok(dictionary)
    }
    /// Keys and values.
    pub(in crate::raw) fn entries(&self) -> Vec<(String, String)> {
        let text = |text| {
            // SAFETY: keys and values of an entry are terminated strings.
            unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
        };
        let mut last = ptr::null();
        std::iter::from_fn(|| {
            // SAFETY: the dictionary is null or ours; an empty prefix matches every entry behind the last.
            let entry = unsafe { ffi::av_dict_get(self.0, c"".as_ptr(), last, ffi::AV_DICT_IGNORE_SUFFIX).as_ref() }?;
            last = entry;
            Some((text(entry.key), text(entry.value)))
        })
        .collect()
    }
    fn set(&mut self, setting: &Setting) -> Result<()> {
        let (name, value) = (c_string("option", &setting.name)?, c_string(&setting.name, &setting.value)?);
        // SAFETY: the dictionary is null or ours; both strings are terminated, and copied.
        check("av_dict_set", || unsafe { ffi::av_dict_set(&mut self.0, name.as_ptr(), value.as_ptr(), 0) }).map(drop)
    }
    /// For a call that takes out what it knows.
    pub(in crate::raw) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &mut self.0
    }
    /// Refuses what a call has left: nobody knew it. `known` are the classes whose options there are.
    pub(in crate::raw) fn refuse_rest(&self, operation: &'static str, known: &[*const ffi::AVClass]) -> Result<()> {
        // SAFETY: the dictionary is null or ours; an empty prefix matches every entry.
        let left = unsafe { ffi::av_dict_get(self.0, c"".as_ptr(), ptr::null(), ffi::AV_DICT_IGNORE_SUFFIX).as_ref() };
        let Some(left) = left else { return Ok(()) };
        // SAFETY: an entry's key is a terminated string.
        let name = unsafe { CStr::from_ptr(left.key) }.to_string_lossy().into_owned();
        let names: BTreeSet<_> = known.iter().flat_map(|class| names_of(*class)).collect();
        let nearest = nearest(&name, &names);
        let hint = nearest.as_ref().map_or(String::new(), |nearest| format!(": did you mean `{nearest}`?"));
        let detail = format!("neither the format nor the protocol has an option `{name}`{hint}");
        Err(Error::new(ErrorKind::OptionUnknown { name, nearest }, operation).detail(detail))
    }
}

impl Drop for Dictionary {
    fn drop(&mut self) {
        // SAFETY: the dictionary is null or ours, and not used again.
        unsafe { ffi::av_dict_free(&mut self.0) }
    }
}
