//! AVDictionary: options for formats and protocols, by name. FFmpeg takes those that it knows out and leaves the others, unsaid.

use super::{
    Result, c_string, check,
    options::{names_of, nearest},
};
use crate::{Error, ErrorKind, encode::Setting, ffi};
use std::{collections::BTreeSet, ffi::CStr, ptr};

/// An owned AVDictionary, empty where nothing was set.
pub(crate) struct Dictionary(*mut ffi::AVDictionary);

impl Dictionary {
    pub(crate) fn new(settings: &[Setting]) -> Result<Self> {
        let mut dictionary = Dictionary(ptr::null_mut());
        settings.iter().try_for_each(|setting| dictionary.set(setting))?;
        Ok(dictionary)
    }
    fn set(&mut self, setting: &Setting) -> Result<()> {
        let (name, value) = (c_string("option", &setting.name)?, c_string(&setting.name, &setting.value)?);
        // SAFETY: the dictionary is null or ours; both strings are terminated, and copied.
        check("av_dict_set", || unsafe { ffi::av_dict_set(&mut self.0, name.as_ptr(), value.as_ptr(), 0) }).map(drop)
    }
    /// For a call that takes out what it knows.
    pub(super) fn as_mut_ptr(&mut self) -> *mut *mut ffi::AVDictionary {
        &mut self.0
    }
    /// Refuses what a call has left: nobody knew it. `known` are the classes whose options there are.
    pub(super) fn refuse_rest(&self, operation: &'static str, known: &[*const ffi::AVClass]) -> Result<()> {
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
