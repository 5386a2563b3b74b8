//! An open encoder.

use super::{Closed, Encoder, Flushing, Ready, core::EncoderCore};
use crate::{Error, Failed, Frame, Memory, Packet, Result, codec::Codec as _};

/// An open AVCodecContext.
pub struct Opened {
    pub(super) core: Box<EncoderCore>,
}

impl<'d, M: Memory> Encoder<'d, M> {
    /// Takes the frame, which the hardware may read long after this returns, and gives the packets that are ready
    /// (avcodec_send_frame). The decoder's picture type is cleared, all other properties are kept; times are rescaled from the
    /// frame's time base.
    ///
    /// # Errors
    /// The frame comes back. With `WrongDevice` or `WrongFormat` it can go to an encoder opened for `frame.pool()`. `Full` happens
    /// only to a caller who left packets in the last `Ready`. After an error that [is fatal](crate::Error::is_fatal) the
    /// encoder is poisoned: nothing more can be sent.
    pub fn send(&mut self, frame: Frame<'d, M>) -> Result<Ready<'_, Packet>, Failed<Frame<'d, M>>> {
        match self.state.core.send(frame.raw) {
            Ok(()) => Ok(Ready::new(&mut *self.state.core)),
            Err((error, raw)) => Err(Failed::new(error, Frame::from_raw(raw))),
        }
    }
    /// A packet that became ready since; `None` when there is none now (avcodec_receive_packet).
    ///
    /// # Errors
    /// What the codec reports, which poisons it; from then on `Poisoned`.
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        self.state.core.receive()
    }
    /// The parameter sets that the codec wrote at its opening (extradata): SPS and PPS with start codes for H.264, empty for a codec that
    /// has none. Keyframes carry them too, unless a muxer has taken them for its header.
    pub fn extradata(&self) -> &[u8] {
        self.context().extradata()
    }
    /// Frames sent whose packets have not come out.
    pub fn in_flight(&self) -> usize {
        self.state.core.core.in_flight()
    }
    /// The hard error after which nothing more can be sent.
    pub fn poisoned(&self) -> Option<&Error> {
        self.state.core.core.poisoned()
    }
    /// A new average bit rate, in bits per second, from the next frame on. NVENC makes that frame an IDR picture. Should the
    /// driver refuse it, the next `Ready` says so, and the old rate stays.
    ///
    /// # Errors
    /// `Unsupported` if this codec does not read it while open, or encodes at a constant quality; `InvalidSetting` for 0, and for
    /// more than 32 bits hold.
    pub fn set_bit_rate(&mut self, bits_per_second: u64) -> Result<()> {
        self.state.core.set_bit_rate(bits_per_second)
    }
    /// The next frame becomes an IDR picture.
    ///
    /// # Errors
    /// `Poisoned`.
    pub fn force_keyframe(&mut self) -> Result<()> {
        self.state.core.core.refuse_if_poisoned()?;
        self.state.core.force_keyframe = true;
        Ok(())
    }
    /// Sends the end of stream; packets still come out. With no frame ever sent there is nothing to send the end of: some of
    /// FFmpeg's encoders crash on that.
    ///
    /// # Errors
    /// A poisoned encoder cannot be drained, for some of FFmpeg's call abort() then: it is closed here, and the error carries it
    /// closed.
    pub fn flush(self) -> Result<Encoder<'d, M, Flushing>, Failed<Encoder<'d, M, Closed>>> {
        let mut core = self.state.core;
        match core.end_stream() {
            Ok(()) => Ok(Encoder::with(Flushing::new(core))),
            Err(error) => Err(Failed::new(error, Encoder::with(Closed::close(core, std::time::Duration::ZERO)))),
        }
    }
}
