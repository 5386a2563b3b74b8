/*
 * The part of the SIMULATED decoder that talks to libavcodec: FFmpeg's software H.264 decoder, with each picture
 * reachable as soon as it is decoded, in decode order.
 *
 * Built against FFmpeg 5.1 to 9.0: only fields that all of them have, or both spellings behind a version check.
 */
#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#ifdef AV_FRAME_FLAG_INTERLACED
#define HAVE_FRAME_FLAGS 1
#else
#define HAVE_FRAME_FLAGS 0
#endif

typedef struct simgpu_inner {
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *output;
    AVFrame *begun;
} simgpu_inner;

/* A picture that is ready for display. */
typedef struct simgpu_displayed {
    uint64_t serial;
    int64_t pts;
    int32_t interlaced;
    int32_t top_field_first;
    int32_t repeat_pict;
    int32_t damaged;
    int32_t unrecovered;
} simgpu_displayed;

/* Of pictures, in all decoders: 0 is none. */
static atomic_uintptr_t last_serial = 1;

/* Pictures come out of the decoder in display order; the driver needs them in decode order. get_buffer2 runs once for each
 * picture when its first slice arrives, so a reference taken here is the picture being decoded. */
static int keep_begun_picture(AVCodecContext *codec, AVFrame *frame, int flags)
{
    simgpu_inner *inner = codec->opaque;
    int result = avcodec_default_get_buffer2(codec, frame, flags);

    if (result < 0)
        return result;
    frame->opaque = (void *)atomic_fetch_add(&last_serial, 1);
    av_frame_free(&inner->begun);
    inner->begun = av_frame_clone(frame);
    return inner->begun ? 0 : AVERROR(ENOMEM);
}

void simgpu_inner_close(simgpu_inner *inner)
{
    if (!inner)
        return;
    avcodec_free_context(&inner->codec);
    av_packet_free(&inner->packet);
    av_frame_free(&inner->output);
    av_frame_free(&inner->begun);
    av_free(inner);
}

simgpu_inner *simgpu_inner_open(void)
{
    const AVCodec *codec = avcodec_find_decoder_by_name("h264");
    simgpu_inner *inner = codec ? av_mallocz(sizeof(*inner)) : NULL;

    if (!inner)
        return NULL;
    inner->codec = avcodec_alloc_context3(codec);
    inner->packet = av_packet_alloc();
    inner->output = av_frame_alloc();
    if (!inner->codec || !inner->packet || !inner->output)
        goto fail;
    inner->codec->opaque = inner;
    inner->codec->get_buffer2 = keep_begun_picture;
    inner->codec->thread_count = 1;
    /* A stream that says nothing about reordering is reordered as far as its level allows, as in a driver, not by guessing. */
    inner->codec->strict_std_compliance = FF_COMPLIANCE_STRICT;
    /* Every picture that begins must come out, or the parser could not tell when its surface is free. */
    inner->codec->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    inner->codec->apply_cropping = 0;
    inner->codec->pkt_timebase = (AVRational){ 1, 10000000 };
    /* What it says of a broken stream goes to no one's log as an error: a driver has no av_log. */
    inner->codec->log_level_offset = 64;
    if (avcodec_open2(inner->codec, codec, NULL) < 0)
        goto fail;
    return inner;
fail:
    simgpu_inner_close(inner);
    return NULL;
}

/* Decodes one access unit or field, or begins the drain when `size` is 0. The output must have been received before, so the
 * decoder never answers EAGAIN. */
int simgpu_inner_send(simgpu_inner *inner, const uint8_t *data, int size, int64_t pts)
{
    int result;

    av_frame_free(&inner->begun);
    if (!size)
        return avcodec_send_packet(inner->codec, NULL);
    result = av_new_packet(inner->packet, size);
    if (result < 0)
        return result;
    memcpy(inner->packet->data, data, size);
    inner->packet->pts = pts;
    result = avcodec_send_packet(inner->codec, inner->packet);
    av_packet_unref(inner->packet);
    return result;
}

/* The next picture in display order: 1, 0 when there is none now, negative when a picture could not be decoded. */
int simgpu_inner_receive(simgpu_inner *inner, simgpu_displayed *displayed)
{
    AVFrame *frame = inner->output;
    int result = avcodec_receive_frame(inner->codec, frame);

    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
        return 0;
    if (result < 0)
        return result;
    displayed->serial = (uintptr_t)frame->opaque;
    displayed->pts = frame->pts;
#if HAVE_FRAME_FLAGS
    displayed->interlaced = !!(frame->flags & AV_FRAME_FLAG_INTERLACED);
    displayed->top_field_first = !!(frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST);
#else
    displayed->interlaced = frame->interlaced_frame;
    displayed->top_field_first = frame->top_field_first;
#endif
    displayed->repeat_pict = frame->repeat_pict;
    displayed->damaged = frame->decode_error_flags != 0;
    displayed->unrecovered = !!(frame->flags & AV_FRAME_FLAG_CORRUPT);
    av_frame_unref(frame);
    return 1;
}

/* Forgets all pictures and any drain; parameter sets stay. */
void simgpu_inner_flush(simgpu_inner *inner)
{
    av_frame_free(&inner->begun);
    avcodec_flush_buffers(inner->codec);
}

/* The picture that the last packet began, now the caller's, or NULL. */
AVFrame *simgpu_inner_take_begun(simgpu_inner *inner, uint64_t *serial)
{
    AVFrame *frame = inner->begun;

    inner->begun = NULL;
    *serial = frame ? (uintptr_t)frame->opaque : 0;
    return frame;
}

/* The three planes of an 8-bit 4:2:0 picture and its size with the padding; 0 for any other format. */
int simgpu_picture_planes(const AVFrame *frame, const uint8_t *planes[3], int strides[3], int *width, int *height)
{
    if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P)
        return 0;
    for (int plane = 0; plane < 3; plane++) {
        planes[plane] = frame->data[plane];
        strides[plane] = frame->linesize[plane];
    }
    *width = frame->width;
    *height = frame->height;
    return 1;
}

AVFrame *simgpu_picture_share(const AVFrame *frame)
{
    return av_frame_clone(frame);
}

void simgpu_picture_free(AVFrame *frame)
{
    av_frame_free(&frame);
}
