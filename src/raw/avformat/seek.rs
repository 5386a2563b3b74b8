//! Going to another place of an input (avformat_seek_file).

use crate::{
    error::{Error, ErrorKind, Result},
    ffi,
    raw::{
        avformat::{input::Input, stream::StreamInfo},
        check,
    },
    types::{
        seek::{Seek, Time},
        time::Ratio,
    },
};

impl Input {
    /// That time in ticks of the stream's time base.
    pub(crate) fn ticks(&self, stream: &StreamInfo, time: Time) -> i64 {
        match time {
            Time::Ticks(ticks) => ticks,
            Time::FromStart(time) => {
                // In nanoseconds, which most time bases divide to less than half a tick, so that the time of a frame, written as a
                // Duration, is that frame's again.
                const NANOSECONDS: Ratio = Ratio { num: 1, den: 1_000_000_000 };
                let time = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
                let start = self.start_time().saturating_mul(1000);
                NANOSECONDS.rescale(time.saturating_add(start), stream.time_base)
            }
        }
    }
    /// The file's first time, in microseconds.
    fn start_time(&self) -> i64 {
        let start = self.get().start_time;
        if start == ffi::AV_NOPTS_VALUE { 0 } else { start }
    }
    pub(crate) fn seek(&mut self, stream: &StreamInfo, to: Seek) -> Result<()> {
        if let Some(why) = self.cannot_seek(to) {
            // FFmpeg would read to the end to find out, or take what comes next for the place that was sought.
            return Err(self.url().error(ErrorKind::Unsupported, "avformat_seek_file", why));
        }
        let done = match to {
            Seek::Start => {
                let start = Time::FromStart(std::time::Duration::ZERO);
                let first = self.ticks(stream, start);
                // Times before the first one: pictures may be decoded before they are shown.
                let by_time = self.seek_file(stream.index, [i64::MIN, first, first], 0);
                by_time.or_else(|_| self.seek_file(stream.index, [0, 0, 0], ffi::AVSEEK_FLAG_BYTE))
            }
            Seek::Before(time) => {
                let time = self.ticks(stream, time);
                self.seek_file(stream.index, [i64::MIN, time, time], 0)
            }
            Seek::After(time) => {
                let time = self.ticks(stream, time);
                self.seek_file(stream.index, [time, time, i64::MAX], 0)
            }
        };
        self.moved(done.is_ok());
        done.map_err(|error| {
            let error = match error.kind() {
                ErrorKind::Other | ErrorKind::Unsupported => error
                    .with_kind(ErrorKind::Unsupported)
                    .detail("its format, or what it is read from, does not go there; go on from Seek::Start"),
                _ => error,
            };
            let error = self.explain(error);
            self.url().name(error)
        })
    }
    /// Why that is known to be impossible.
    fn cannot_seek(&self, to: Seek) -> Option<&'static str> {
        // SAFETY: an open input has its format, which is static.
        let flags = unsafe { (*self.get().iformat).flags };
        // SAFETY: `pb` is null or the context's own reader.
        let reader = unsafe { self.get().pb.as_ref() };
        if self.reads_bytes_here() && reader.is_some_and(|reader| reader.seekable == 0) {
            return Some("what it is read from goes forward alone, as a pipe does");
        }
        let has_no_times = flags & ffi::AVFMT_GENERIC_INDEX != 0 && self.get().start_time == ffi::AV_NOPTS_VALUE;
        (has_no_times && to != Seek::Start).then_some("a bare stream has no times: it goes to its start alone")
    }
    fn seek_file(&mut self, stream: usize, [least, time, most]: [i64; 3], flags: i32) -> Result<()> {
        let context = self.as_mut_ptr();
        let stream = i32::try_from(stream).map_err(|_| Error::new(ErrorKind::NoStream, "avformat_seek_file"))?;
        // SAFETY: the context is open and borrowed mutably.
        let seek = || unsafe { ffi::avformat_seek_file(context, stream, least, time, most, flags) };
        check("avformat_seek_file", || self.interrupt_callback().during(seek)).map(drop)
    }
}
