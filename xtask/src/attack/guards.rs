//! The library's guards, each with the text that takes it away: `cargo xtask attack --without` proves with them that
//! the attack finds what a guard stops. The changes are made to a copy of the sources; the library itself has no switch
//! for any of them.

/// One guard.
#[derive(Debug)]
pub struct Guard {
    pub name: &'static str,
    /// The defects that it stops, by the names of the programs that showed them first.
    pub stops: &'static str,
    /// The test that fails without it: a file of the checkout, and a function in it.
    pub test: (&'static str, &'static str),
    pub changes: &'static [Change],
}

/// A text that stands once in a file, and what comes in its place.
#[derive(Debug)]
pub struct Change {
    pub file: &'static str,
    pub find: &'static str,
    pub replace: &'static str,
}

const STRINGS: &str = "src/raw/strings.rs";
const STRINGS_TEST: &str = "tests/soundness/strings.rs";
const LOGGERS_TEST: &str = "tests/soundness/loggers.rs";

/// No codec counts as one of pointers.
const POINTERS: Change = Change {
    file: STRINGS,
    find: "    if codec != ffi::AV_CODEC_ID_WRAPPED_AVFRAME {\n",
    replace: "    if codec != ffi::AV_CODEC_ID_WRAPPED_AVFRAME || !operation.is_empty() {\n",
};

/// All of them.
pub const GUARDS: &[Guard] = &[
    Guard {
        name: "fflags",
        stops: "fflags_type_confusion, fflags_fd_leak: flags of a format are words with a sign",
        test: (STRINGS_TEST, "h60_flags_of_a_format_are_words_with_a_sign"),
        changes: &[Change {
            file: STRINGS,
            find: "    let signed = value.starts_with(['+', '-']);\n",
            replace: "    if name.eq_ignore_ascii_case(\"fflags\") {\n        return Ok(());\n    }\n    let signed = value.starts_with(['+', '-']);\n",
        }],
    },
    Guard {
        name: "picture-options",
        stops: "x265_leak_bytes, options_resize: options within options leave the picture alone",
        test: (STRINGS_TEST, "h61_no_option_changes_the_picture_behind_the_frames"),
        changes: &[Change {
            file: STRINGS,
            find: "keys.iter().find(|key| is_of_the_picture(key))",
            replace: "keys.iter().find(|key| key.len() == usize::MAX && is_of_the_picture(key))",
        }],
    },
    Guard {
        name: "fixed",
        stops: "options_resize: what an encoder was configured with is what it is opened with",
        test: (STRINGS_TEST, "h61_what_an_encoder_was_configured_with_stays"),
        changes: &[Change {
            file: "src/raw/avcodec/context/checks.rs",
            find: "            _ if self.is(opened) => return Ok(()),\n",
            replace: "            _ if self.is(opened) || !encoder.is_empty() => return Ok(()),\n",
        }],
    },
    Guard {
        name: "pointers",
        stops: "wrapped_avframe_decoder, wrapped_avframe_muxer, wrapped_avframe_muxer2: packets are bytes, never pointers",
        test: ("tests/soundness/pointers.rs", "h62_packets_of_pointers_are_refused_everywhere"),
        changes: &[POINTERS],
    },
    Guard {
        name: "device-frames",
        stops: "packet_keeps_device: a device's frames go to encoders that list them (and pointers are no packets)",
        test: ("tests/soundness/pointers.rs", "h62_no_packet_keeps_a_device"),
        changes: &[
            POINTERS,
            Change {
                file: "src/raw/avcodec/context/checks.rs",
                find: "        if formats::taken(self.codec).contains(&hardware) {\n",
                replace: "        if formats::taken(self.codec).contains(&hardware) || !self.name().is_empty() {\n",
            },
        ],
    },
    Guard {
        name: "muxer-threads",
        stops: "fifo_muxer_uaf: muxers with threads of their own are refused",
        test: (STRINGS_TEST, "h63_muxers_with_threads_are_refused"),
        changes: &[Change {
            file: STRINGS,
            find: "    if !THREADED.contains(&format) {\n",
            replace: "    if !THREADED.contains(&format) || !format.is_empty() {\n",
        }],
    },
    Guard {
        name: "seal",
        stops: "dmabuf_seal_toctou: a buffer's size is read once it can no longer shrink",
        test: ("tests/soundness/shared_memory.rs", "h64_a_buffer_that_shrinks_before_it_is_sealed_is_refused"),
        // As it was: the sizes of all planes first, and the seal of each where it is mapped.
        changes: &[
            Change {
                file: "src/raw/backend/drm.rs",
                find: "    if !is_dma_buf(fd) && (seals < 0 || seals & libc::F_SEAL_SHRINK == 0) {\n",
                replace: "    if seals == libc::c_int::MIN {\n",
            },
            Change {
                file: "src/raw/backend/drm.rs",
                find: "        let buffer = is_dma_buf(fd).then(|| fd.as_fd());\n",
                replace: "        let buffer = is_dma_buf(fd).then(|| fd.as_fd());\n        \
                    let seals = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS) };\n        \
                    if buffer.is_none() && (seals < 0 || seals & libc::F_SEAL_SHRINK == 0) {\n            \
                    return Err(Error::new(ErrorKind::Unsupported, \"copy\"));\n        }\n",
            },
        ],
    },
    Guard {
        name: "padding",
        stops: "av1_uninit_padding: rows end where the picture ends",
        test: ("tests/soundness/shared_memory.rs", "h66_every_byte_of_a_decoded_picture_was_written"),
        changes: &[Change {
            file: "src/raw/avutil/rows.rs",
            find: "        let rows = Rows { pitch, row, rows: count, bottom_up: linesize < 0 };\n",
            replace: "        let rows = Rows { pitch, row: pitch, rows: count, bottom_up: linesize < 0 };\n",
        }],
    },
    Guard {
        name: "delivery",
        stops: "logger_deadlock: FFmpeg's lines wait until the call is over",
        test: (LOGGERS_TEST, "h67_a_logger_may_open_codecs"),
        changes: &[Change {
            file: "src/raw/log/mod.rs",
            find: "    if inside && level > ffi::AV_LOG_PANIC && delivery::wait(facade, class, text) {\n",
            replace: "    if inside && level > ffi::AV_LOG_PANIC && text.is_empty() && delivery::wait(facade, class, text) {\n",
        }],
    },
    Guard {
        name: "logger",
        stops: "logger_device_free_abort: a logger's panic ends at the edge",
        test: (LOGGERS_TEST, "h68_a_logger_may_panic_while_a_device_is_freed"),
        changes: &[
            Change {
                file: "src/error/guard.rs",
                find: "    LOGGING.set(true);\n    // Nobody is left to be told that telling failed.\n    \
                    let _ = contain(|| log::log!(target: target, level, \"{line}\"));\n    LOGGING.set(false);\n",
                replace: "    log::log!(target: target, level, \"{line}\");\n",
            },
            Change {
                file: "src/raw/log/mod.rs",
                find: "    let _ = guard::contain(|| {\n",
                replace: "    std::convert::identity({\n",
            },
        ],
    },
    Guard {
        name: "payload",
        stops: "logger_payload_abort: a panic's payload may panic when it is dropped",
        test: (LOGGERS_TEST, "h68_a_logger_may_panic_with_a_payload_that_panics_when_it_is_dropped"),
        changes: &[Change {
            file: "src/error/guard.rs",
            find: "    drop_payload(payload);\n    text.unwrap_or_else",
            replace: "    drop(payload);\n    text.unwrap_or_else",
        }],
    },
    Guard {
        name: "errors",
        stops: "reader_error_drop_abort: an error of a reader's may panic when it is dropped",
        test: ("tests/soundness/readers.rs", "h68_a_readers_error_may_panic_when_it_is_dropped"),
        changes: &[Change {
            file: "src/raw/avformat/avio.rs",
            find: "error.kind() == io::ErrorKind::Interrupted => dispose(\"an error\", error),\n",
            replace: "error.kind() == io::ErrorKind::Interrupted => drop(error),\n",
        }],
    },
    Guard {
        name: "output",
        stops: "output_drop_leak: a panic of the application's keeps no clean-up from running",
        test: (LOGGERS_TEST, "h68_a_logger_that_panics_in_a_drop_keeps_no_file_open"),
        changes: &[
            Change {
                file: "src/error/guard.rs",
                find: "            dispose(self.what, self.value.take());\n",
                replace: "            drop(self.value.take());\n",
            },
            Change {
                file: "src/raw/avformat/output.rs",
                find: "            crate::error::guard::say!(\n                Error,\n                \"{} was dropped without",
                replace: "            log::error!(\n                \"{} was dropped without",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;
    use std::collections::BTreeSet;
    use std::fs;

    fn text(file: &str) -> String {
        fs::read_to_string(workspace::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// A text that is gone, or stands twice, would leave the guard where it is, and the search would prove nothing.
    #[test]
    fn each_text_that_is_changed_stands_once_in_its_file() {
        for guard in GUARDS {
            for Change { file, find, replace } in guard.changes {
                assert_eq!(text(file).matches(find).count(), 1, "{}: in {file}: {find}", guard.name);
                assert_ne!(find, replace, "{}", guard.name);
            }
        }
    }

    #[test]
    fn each_guard_has_a_test_and_a_name_of_its_own() {
        for Guard { name, test: (file, function), .. } in GUARDS {
            assert_eq!(text(file).matches(&format!("fn {function}()")).count(), 1, "{name}: {file}::{function}");
        }
        assert_eq!(GUARDS.iter().map(|guard| guard.name).collect::<BTreeSet<_>>().len(), GUARDS.len());
    }
}
