//! libavcodec: codecs, parsers, bitstream filters, packets.

pub(crate) mod bsf;
pub(crate) mod context;
pub(crate) mod formats;
pub(crate) mod get_format;
pub(crate) mod packet;
pub(crate) mod parameters;
pub(crate) mod parser;
