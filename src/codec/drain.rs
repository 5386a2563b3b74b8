//! The end of a stream: it is sent, and what is inside comes out.

use super::core::Core;
use crate::{Error, ErrorKind, Limit, Result, error::line::Line, raw::avcodec::context::Step};
use std::{collections::VecDeque, thread, time::Instant};

/// An open encoder or decoder.
pub(crate) trait Codec {
    /// Packets, or frames.
    type Output;
    fn core(&mut self) -> &mut Core;
    /// Outputs that had to come out before they were asked for.
    fn pending(&mut self) -> &mut VecDeque<Self::Output>;
    /// Sends the end of the stream.
    fn send_end(&mut self) -> (Result<Step>, Vec<Line>);
    /// An output out of FFmpeg's codec, or `None`: not now, or never more (`core.ended`).
    fn receive_from_codec(&mut self) -> Result<Option<Self::Output>>;

    /// An error of the call that sent the end of the stream.
    fn end_failed(&mut self, error: Error) -> Result<()> {
        Err(self.core().poison(error))
    }

    /// The next output; `None` when there is none now.
    fn receive(&mut self) -> Result<Option<Self::Output>> {
        match self.pending().pop_front() {
            Some(output) => Ok(Some(output)),
            None => self.receive_from_codec(),
        }
    }
    /// Sends the end of stream, once what the caller left inside has made room for it. With nothing ever sent there is
    /// nothing to end, and some of FFmpeg's encoders crash when they are drained then.
    fn end_stream(&mut self) -> Result<()> {
        self.core().refuse_if_poisoned()?;
        if self.core().sent == 0 {
            self.core().ended = true;
            return Ok(());
        }
        loop {
            let (step, lines) = self.send_end();
            self.core().keep(lines);
            match step {
                Ok(Step::Done | Step::End) => return Ok(()),
                Ok(Step::Again) => match self.receive_from_codec()? {
                    Some(output) => self.pending().push_back(output),
                    // Neither takes nor gives: FFmpeg's contract excludes it, and a loop here would never end.
                    None => {
                        let error = Error::new(ErrorKind::Full, "end of stream");
                        return Err(self.core().poison(error));
                    }
                },
                Err(error) => return self.end_failed(error),
            }
        }
    }
    /// After the end of stream: the next output, `None` at the codec's end. A codec that asks for input although its
    /// stream has ended is asked again: that is not its end.
    fn drain(&mut self, drain: &mut Drain) -> Result<Option<Self::Output>> {
        drain.resume();
        loop {
            if let Some(output) = self.receive()? {
                if drain.output() {
                    return Ok(Some(output));
                }
                self.pending().push_front(output);
                return Err(self.core().stalled());
            }
            if self.core().ended {
                return Ok(None);
            }
            if drain.is_stalled() {
                return Err(self.core().stalled());
            }
            thread::yield_now();
        }
    }
    /// Drains into `sink`.
    fn drain_into(&mut self, limit: Limit, mut sink: impl FnMut(Self::Output) -> Result<()>) -> Result<()> {
        let mut drain = Drain::new(limit);
        while let Some(output) = self.drain(&mut drain)? {
            sink(output)?;
        }
        Ok(())
    }
}

/// Counts a drain's outputs and the time without one.
pub(crate) struct Drain {
    limit: Limit,
    outputs: usize,
    last: Instant,
}

impl Drain {
    pub(crate) fn new(limit: Limit) -> Self {
        Drain { limit, outputs: 0, last: Instant::now() }
    }
    /// Notes an output; `false` if the limit does not allow it.
    pub(crate) fn output(&mut self) -> bool {
        self.outputs += 1;
        self.outputs <= self.limit.outputs
    }
    /// The codec is asked again: the caller's own time with the last output does not count.
    pub(crate) fn resume(&mut self) {
        self.last = Instant::now();
    }
    /// Whether the time without an output is over.
    pub(crate) fn is_stalled(&self) -> bool {
        self.last.elapsed() > self.limit.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Teardown, raw::CodecContext};
    use std::time::Duration;

    /// A codec whose stream has ended, and that still says at times that it wants input (`None`).
    struct Stubborn {
        core: Core,
        pending: VecDeque<u32>,
        answers: VecDeque<Option<u32>>,
        ends: bool,
    }

    impl Stubborn {
        fn new(answers: &[Option<u32>], ends: bool) -> Self {
            let core = Core::new(CodecContext::encoder("mpeg4").unwrap(), None, Teardown::default());
            Stubborn { core, pending: VecDeque::new(), answers: answers.iter().copied().collect(), ends }
        }
    }

    impl Codec for Stubborn {
        type Output = u32;
        fn core(&mut self) -> &mut Core {
            &mut self.core
        }
        fn pending(&mut self) -> &mut VecDeque<u32> {
            &mut self.pending
        }
        fn send_end(&mut self) -> (Result<Step>, Vec<Line>) {
            (Ok(Step::Done), Vec::new())
        }
        fn receive_from_codec(&mut self) -> Result<Option<u32>> {
            let answer = self.answers.pop_front();
            self.core.ended = answer.is_none() && self.ends;
            Ok(answer.flatten())
        }
    }

    #[test]
    fn h13_wanting_input_in_the_drain_is_not_the_end() {
        let mut codec = Stubborn::new(&[Some(1), None, None, Some(2), None], true);
        let mut out = Vec::new();
        codec
            .drain_into(Limit { outputs: 10, time: Duration::from_secs(60) }, |output| {
                out.push(output);
                Ok(())
            })
            .unwrap();
        assert_eq!(out, [1, 2]);
    }

    #[test]
    fn h40_a_codec_that_never_ends_stalls() {
        let mut codec = Stubborn::new(&[Some(1)], false);
        let error = codec.drain_into(Limit { outputs: 10, time: Duration::ZERO }, |_| Ok(())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::DrainStalled { .. }), "{error}");
    }

    #[test]
    fn a_drain_allows_its_outputs_and_no_more() {
        let mut drain = Drain::new(Limit { outputs: 2, time: Duration::MAX });
        assert_eq!([drain.output(), drain.output(), drain.output()], [true, true, false]);
    }

    #[test]
    fn a_drain_stalls_by_time() {
        assert!(!Drain::new(Limit { outputs: 0, time: Duration::MAX }).is_stalled());
        let drain = Drain::new(Limit { outputs: 0, time: Duration::ZERO });
        while drain.last.elapsed() == Duration::ZERO {
            std::hint::spin_loop();
        }
        assert!(drain.is_stalled());
    }
}
