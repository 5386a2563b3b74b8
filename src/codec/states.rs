//! The states behind the end of a stream, `Flushing` and `Closed`, of encoders and decoders alike.

/// Defines both states, and what can be done in them.
///
/// `$kind<'d, $type: $bound>` is the encoder or decoder, `$core` what it consists of, `$output` what comes out of it:
/// `$word`s. `$wrap` makes one of what the core gives. `$lost` says whether what was sent and never came out is lost.
macro_rules! states_behind_the_end {
    (
        $kind:ident<$type:ident: $bound:ident>, $core:ty, $word:literal,
        <$d:lifetime> $output:ty, $static_output:ty, $wrap:expr, lost: $lost:literal
    ) => {
        /// End of stream sent; what is inside still comes out.
        pub struct Flushing {
            core: Box<$core>,
            since: std::time::Instant,
        }

        /// Codec closed, hardware released.
        pub struct Closed {
            core: Box<$core>,
            report: $crate::TeardownReport,
        }

        impl Flushing {
            fn new(core: Box<$core>) -> Self {
                Flushing { core, since: std::time::Instant::now() }
            }
        }

        impl Closed {
            fn close(mut core: Box<$core>, drain: std::time::Duration) -> Self {
                let mut report = core.core.close(drain);
                if !$lost {
                    // A packet need not hold a frame: what is missing shows in `damaged` and the outcome.
                    report.lost = 0;
                }
                Closed { core, report }
            }
        }

        impl<$d, $type: $bound> $kind<$d, $type, Flushing> {
            #[doc = concat!("The next ", $word, "; `None` when all are out.")]
            ///
            /// # Errors
            #[doc = concat!("`DrainStalled` if the codec gives neither a ", $word, " nor its end within the default [`Limit`](crate::Limit); what the codec reports.")]
            pub fn receive(&mut self) -> $crate::Result<Option<$output>> {
                let output = self.state.core.drain(&mut $crate::codec::Drain::new($crate::Limit::default()))?;
                Ok(output.map($wrap))
            }
            #[doc = concat!("Hands each ", $word, " that is left to `sink`, then closes the codec.")]
            ///
            /// # Errors
            /// `DrainStalled` or the sink's error. It gives the codec back: go on, or abandon it.
            pub fn finish(
                mut self,
                limit: $crate::Limit,
                mut sink: impl FnMut($output) -> $crate::Result<()>,
            ) -> $crate::Result<$kind<$d, $type, Closed>, $crate::Failed<Self>> {
                match self.state.core.drain_into(limit, |output| sink($wrap(output))) {
                    Ok(()) => Ok(self.abandon()),
                    Err(error) => Err($crate::Failed::new(error, self)),
                }
            }
            /// Closes the codec now. What has not come out is lost; the report says how much.
            pub fn abandon(self) -> $kind<$d, $type, Closed> {
                let drain = self.state.since.elapsed();
                $kind::with(Closed::close(self.state.core, drain))
            }
        }

        impl<$type: $bound> $kind<'static, $type, Flushing> {
            /// [`finish`](Self::finish) on a helper thread, for drivers that may hang. Only for shared devices: a
            /// thread that never comes back keeps what it has.
            ///
            /// # Errors
            /// [`Overdue`](crate::teardown::Overdue) with the thread to join when the time is over; else what `finish`
            /// returns.
            pub fn finish_within(
                self,
                time: std::time::Duration,
                limit: $crate::Limit,
                sink: impl FnMut($static_output) -> $crate::Result<()> + Send + 'static,
            ) -> $crate::Result<
                $crate::Result<$kind<'static, $type, Closed>, $crate::Failed<Self>>,
                $crate::teardown::Overdue<$crate::Result<$kind<'static, $type, Closed>, $crate::Failed<Self>>>,
            > {
                $crate::teardown::within(time, "finish_within", move || self.finish(limit, sink))
            }
            /// [`abandon`](Self::abandon) on a helper thread, for drivers that may hang in the close.
            ///
            /// # Errors
            /// [`Overdue`](crate::teardown::Overdue) with the thread to join when the time is over.
            pub fn close_within(
                self,
                time: std::time::Duration,
            ) -> $crate::Result<$kind<'static, $type, Closed>, $crate::teardown::Overdue<$kind<'static, $type, Closed>>>
            {
                $crate::teardown::within(time, "close_within", move || self.abandon())
            }
        }

        impl<$type: $bound> $kind<'_, $type, Closed> {
            /// What happened, but for the time of the freeing.
            pub fn report(&self) -> &$crate::TeardownReport {
                &self.state.report
            }
            /// Frees the context (avcodec_free_context), which completes the report.
            pub fn free(self) -> $crate::TeardownReport {
                let Closed { mut core, mut report } = self.state;
                core.core.free(&mut report);
                report
            }
        }
    };
}
pub(crate) use states_behind_the_end;
