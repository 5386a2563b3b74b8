/* Decode a video with one thread, encode it as MPEG-4 with one thread, count what comes out.
 *
 * Written as FFmpeg's own examples are: one AVFrame and one AVPacket for all, errors by goto. What decoder and encoder are
 * told is what avsluice tells them. */

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "loop.h"

struct state {
    AVFormatContext *input;
    AVCodecContext *decoder, *encoder;
    AVFrame *frame;
    AVPacket *in, *out;
    int video;
    struct c_loop_counts counts;
};

static int open_decoder(struct state *s)
{
    const AVCodec *codec = NULL;
    int ret = s->video = av_find_best_stream(s->input, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (ret < 0)
        return ret;
    if (!(s->decoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    if ((ret = avcodec_parameters_to_context(s->decoder, s->input->streams[s->video]->codecpar)) < 0)
        return ret;
    s->decoder->pkt_timebase = s->input->streams[s->video]->time_base;
    s->decoder->framerate = s->input->streams[s->video]->avg_frame_rate;
    s->decoder->thread_count = 1;
    return avcodec_open2(s->decoder, codec, NULL);
}

/* The first frame says what the encoder is opened for. */
static int open_encoder(struct state *s, int64_t bit_rate)
{
    const AVStream *stream = s->input->streams[s->video];
    const AVCodec *codec = avcodec_find_encoder_by_name("mpeg4");
    AVCodecContext *encoder;
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    if (!(encoder = s->encoder = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    encoder->width = s->frame->width;
    encoder->height = s->frame->height;
    encoder->pix_fmt = s->frame->format;
    encoder->time_base = stream->time_base;
    encoder->framerate = stream->avg_frame_rate;
    encoder->sample_aspect_ratio = s->frame->sample_aspect_ratio;
    encoder->color_range = s->frame->color_range;
    encoder->color_primaries = s->frame->color_primaries;
    encoder->color_trc = s->frame->color_trc;
    encoder->colorspace = s->frame->colorspace;
    encoder->chroma_sample_location = s->frame->chroma_location;
    encoder->bit_rate = bit_rate;
    encoder->thread_count = 1;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return avcodec_open2(encoder, codec, NULL);
}

static int encode(struct state *s, const AVFrame *frame)
{
    int ret = avcodec_send_frame(s->encoder, frame);
    while (ret >= 0) {
        ret = avcodec_receive_packet(s->encoder, s->out);
        if (ret < 0)
            break;
        s->counts.packets++;
        s->counts.bytes += s->out->size;
        av_packet_unref(s->out);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF ? 0 : ret;
}

static int decode(struct state *s, const AVPacket *packet, int64_t bit_rate)
{
    int ret = avcodec_send_packet(s->decoder, packet);
    while (ret >= 0) {
        ret = avcodec_receive_frame(s->decoder, s->frame);
        if (ret < 0)
            break;
        if (!s->encoder && (ret = open_encoder(s, bit_rate)) < 0)
            break;
        if (s->frame->pts == AV_NOPTS_VALUE)
            s->frame->pts = s->frame->best_effort_timestamp;
        s->frame->pict_type = AV_PICTURE_TYPE_NONE;
        ret = encode(s, s->frame);
        av_frame_unref(s->frame);
    }
    return ret == AVERROR(EAGAIN) || ret == AVERROR_EOF ? 0 : ret;
}

int c_loop_run(const char *path, int64_t most, int64_t bit_rate, struct c_loop_counts *counts)
{
    struct state s = {0};
    int ret = avformat_open_input(&s.input, path, NULL, NULL);
    if (ret < 0 || (ret = avformat_find_stream_info(s.input, NULL)) < 0 || (ret = open_decoder(&s)) < 0)
        goto end;
    s.frame = av_frame_alloc();
    s.in = av_packet_alloc();
    s.out = av_packet_alloc();
    if (!s.frame || !s.in || !s.out) {
        ret = AVERROR(ENOMEM);
        goto end;
    }
    ret = AVERROR_EOF;
    while (most > 0 && (ret = av_read_frame(s.input, s.in)) >= 0) {
        if (s.in->stream_index == s.video && (most--, ret = decode(&s, s.in, bit_rate)) < 0)
            goto end;
        av_packet_unref(s.in);
    }
    if ((most > 0 && ret != AVERROR_EOF) || (ret = decode(&s, NULL, bit_rate)) < 0)
        goto end;
    ret = s.encoder ? encode(&s, NULL) : 0;
end:
    *counts = s.counts;
    av_packet_free(&s.out);
    av_packet_free(&s.in);
    av_frame_free(&s.frame);
    avcodec_free_context(&s.encoder);
    avcodec_free_context(&s.decoder);
    avformat_close_input(&s.input);
    return ret;
}
