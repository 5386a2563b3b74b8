/* What bindgen reads: the headers, one a line, then the values that it cannot see by itself. */

#include <libavutil/avutil.h>
#include <libavutil/buffer.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/hdr_dynamic_metadata.h>
#include <libavutil/hwcontext.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>
#include <libavutil/time.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavcodec/version.h>
#include <libavformat/avformat.h>
#include <libavformat/version.h>

/*
 * hwcontext_cuda.h includes the CUDA toolkit's cuda.h unless CUDA_VERSION says that somebody did already. These two
 * handles are all that it needs of it, and the toolkit must not be a dependency of ours.
 */
#ifndef CUDA_VERSION
#define CUDA_VERSION 1
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
#endif
#include <libavutil/hwcontext_cuda.h>

#include <libavutil/hwcontext_drm.h>

/* It includes va/va.h: build/stubs has what it needs of it. */
#include <libavutil/hwcontext_vaapi.h>

/*
 * bindgen evaluates constants but not macros with arguments or casts. The prefix keeps these names from being expanded by
 * the macros that they copy; the build script takes it off again.
 */
#define AVSLUICE_VALUE(type, name) static const type avsluice_##name = name;
#define AVSLUICE_ERRNO(name) static const int avsluice_AVERROR_##name = AVERROR(name);

AVSLUICE_VALUE(unsigned, LIBAVUTIL_VERSION_INT)
AVSLUICE_VALUE(unsigned, LIBAVCODEC_VERSION_INT)
AVSLUICE_VALUE(unsigned, LIBAVFORMAT_VERSION_INT)
AVSLUICE_VALUE(int64_t, AV_NOPTS_VALUE)

AVSLUICE_VALUE(int, AVERROR_BSF_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_BUG)
AVSLUICE_VALUE(int, AVERROR_BUG2)
AVSLUICE_VALUE(int, AVERROR_BUFFER_TOO_SMALL)
AVSLUICE_VALUE(int, AVERROR_DECODER_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_DEMUXER_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_ENCODER_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_EOF)
AVSLUICE_VALUE(int, AVERROR_EXIT)
AVSLUICE_VALUE(int, AVERROR_EXTERNAL)
AVSLUICE_VALUE(int, AVERROR_FILTER_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_INVALIDDATA)
AVSLUICE_VALUE(int, AVERROR_MUXER_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_OPTION_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_PATCHWELCOME)
AVSLUICE_VALUE(int, AVERROR_PROTOCOL_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_STREAM_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_UNKNOWN)
AVSLUICE_VALUE(int, AVERROR_HTTP_BAD_REQUEST)
AVSLUICE_VALUE(int, AVERROR_HTTP_UNAUTHORIZED)
AVSLUICE_VALUE(int, AVERROR_HTTP_FORBIDDEN)
AVSLUICE_VALUE(int, AVERROR_HTTP_NOT_FOUND)
AVSLUICE_VALUE(int, AVERROR_HTTP_OTHER_4XX)
AVSLUICE_VALUE(int, AVERROR_HTTP_SERVER_ERROR)

AVSLUICE_ERRNO(EACCES)
AVSLUICE_ERRNO(EAGAIN)
AVSLUICE_ERRNO(EBUSY)
AVSLUICE_ERRNO(ECONNREFUSED)
AVSLUICE_ERRNO(EEXIST)
AVSLUICE_ERRNO(EINTR)
AVSLUICE_ERRNO(EINVAL)
AVSLUICE_ERRNO(EIO)
AVSLUICE_ERRNO(EISDIR)
AVSLUICE_ERRNO(ENODEV)
AVSLUICE_ERRNO(ENOENT)
AVSLUICE_ERRNO(ENOMEM)
AVSLUICE_ERRNO(ENOSPC)
AVSLUICE_ERRNO(ENOSYS)
AVSLUICE_ERRNO(ENOTSUP)
AVSLUICE_ERRNO(EPERM)
AVSLUICE_ERRNO(EPIPE)
AVSLUICE_ERRNO(ERANGE)
AVSLUICE_ERRNO(ETIMEDOUT)
