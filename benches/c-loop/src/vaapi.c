/* h264_vaapi as a program in C uses it, with no guard: what FFmpeg does when it is drained at the wrong moment. */

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

#include "vaapi.h"

static int receive_all(AVCodecContext *encoder, AVPacket *packet)
{
    int packets = 0, code;
    while ((code = avcodec_receive_packet(encoder, packet)) >= 0) {
        av_packet_unref(packet);
        packets++;
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? packets : code;
}

int c_loop_vaapi(const char *node, int pictures, int b_frames, int *references)
{
    AVBufferRef *device = NULL, *pool = NULL;
    AVCodecContext *encoder = NULL;
    AVDictionary *options = NULL;
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    const AVCodec *codec = avcodec_find_encoder_by_name("h264_vaapi");
    int code, packets = 0;

    if (!codec || !frame || !packet)
        return AVERROR(ENOMEM);
    av_dict_set(&options, "connection_type", "drm", 0);
    if ((code = av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, node, options, 0)) < 0)
        goto end;
    pool = av_hwframe_ctx_alloc(device);
    if (!pool) {
        code = AVERROR(ENOMEM);
        goto end;
    }
    AVHWFramesContext *frames = (AVHWFramesContext *)pool->data;
    frames->format = AV_PIX_FMT_VAAPI;
    frames->sw_format = AV_PIX_FMT_NV12;
    frames->width = 160;
    frames->height = 96;
    if ((code = av_hwframe_ctx_init(pool)) < 0)
        goto end;
    encoder = avcodec_alloc_context3(codec);
    if (!encoder) {
        code = AVERROR(ENOMEM);
        goto end;
    }
    encoder->width = 160;
    encoder->height = 96;
    encoder->pix_fmt = AV_PIX_FMT_VAAPI;
    encoder->time_base = (AVRational){1, 25};
    encoder->framerate = (AVRational){25, 1};
    encoder->max_b_frames = b_frames;
    encoder->hw_frames_ctx = av_buffer_ref(pool);
    if ((code = avcodec_open2(encoder, codec, NULL)) < 0)
        goto end;
    for (int number = 0; number < pictures; number++) {
        if ((code = av_hwframe_get_buffer(pool, frame, 0)) < 0)
            goto end;
        frame->pts = number;
        /* The mistake: an error is taken for the loss of one picture. */
        avcodec_send_frame(encoder, frame);
        av_frame_unref(frame);
        if ((code = receive_all(encoder, packet)) > 0)
            packets += code;
    }
    avcodec_send_frame(encoder, NULL);
    if ((code = receive_all(encoder, packet)) > 0)
        packets += code;
    code = packets;
end:
    av_dict_free(&options);
    avcodec_free_context(&encoder);
    av_frame_free(&frame);
    av_packet_free(&packet);
    av_buffer_unref(&pool);
    *references = device ? av_buffer_get_ref_count(device) : 0;
    av_buffer_unref(&device);
    return code;
}
