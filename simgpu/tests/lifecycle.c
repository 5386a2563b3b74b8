/* lifecycle MODE [LAST]: drives h264_nvenc over FFmpeg's API in the order that MODE names. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

/* AVCUDADeviceContext begins so; FFmpeg's own header for it needs CUDA's. */
struct cuda_device {
    void *context;
    void *stream;
};

enum { WIDTH = 320, HEIGHT = 192, FRAMES = 8, CYCLES = 100 };

static int mode_is(const char *mode, const char *name)
{
    return !strcmp(mode, name);
}

static AVBufferRef *new_pool(AVBufferRef *device)
{
    AVBufferRef *pool = av_hwframe_ctx_alloc(device);
    AVHWFramesContext *frames = (AVHWFramesContext *)pool->data;

    frames->format = AV_PIX_FMT_CUDA;
    frames->sw_format = AV_PIX_FMT_NV12;
    frames->width = WIDTH;
    frames->height = HEIGHT;
    if (av_hwframe_ctx_init(pool) < 0)
        av_buffer_unref(&pool);
    return pool;
}

static AVFrame *new_frame(AVBufferRef *pool, int number)
{
    AVFrame *host = av_frame_alloc(), *frame = av_frame_alloc();

    host->format = AV_PIX_FMT_NV12;
    host->width = WIDTH;
    host->height = HEIGHT;
    av_frame_get_buffer(host, 0);
    for (int y = 0; y < HEIGHT; y++)
        memset(host->data[0] + y * host->linesize[0], y + number * 3, WIDTH);
    for (int y = 0; y < HEIGHT / 2; y++)
        memset(host->data[1] + y * host->linesize[1], 128 + number, WIDTH);
    if (av_hwframe_get_buffer(pool, frame, 0) < 0 || av_hwframe_transfer_data(frame, host, 0) < 0)
        av_frame_free(&frame);
    else
        frame->pts = number;
    av_frame_free(&host);
    return frame;
}

static AVCodecContext *open_encoder(AVBufferRef *pool)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("h264_nvenc");
    AVCodecContext *encoder = avcodec_alloc_context3(codec);

    encoder->width = WIDTH;
    encoder->height = HEIGHT;
    encoder->time_base = (AVRational){1, 30};
    encoder->framerate = (AVRational){30, 1};
    encoder->bit_rate = 2000000;
    encoder->max_b_frames = 0;
    encoder->pix_fmt = AV_PIX_FMT_CUDA;
    encoder->hw_frames_ctx = av_buffer_ref(pool);
    if (avcodec_open2(encoder, codec, NULL) < 0)
        avcodec_free_context(&encoder);
    return encoder;
}

static int drain(AVCodecContext *encoder)
{
    AVPacket *packet = av_packet_alloc();
    int packets = 0;

    while (avcodec_receive_packet(encoder, packet) == 0) {
        packets++;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return packets;
}

static int encode(AVCodecContext *encoder, AVBufferRef *pool, const char *mode)
{
    AVFrame *first = NULL;
    int packets = 0;

    for (int i = 0; i < FRAMES; i++) {
        AVFrame *frame = new_frame(pool, i);

        if (mode_is(mode, "bitrate") && i == 4)
            encoder->bit_rate = 3000000;
        if (avcodec_send_frame(encoder, frame) < 0)
            printf("send failed\n");
        if (mode_is(mode, "scribble") && i == 0)
            first = av_frame_clone(frame);
        av_frame_free(&frame);
        if (first && i == 1) {
            /* The frame is still in flight: its packet is out only after more frames. */
            AVFrame *other = new_frame(pool, 77);
            av_hwframe_transfer_data(other, first, 0);
            av_frame_free(&other);
            AVFrame *host = av_frame_alloc();
            host->format = AV_PIX_FMT_NV12;
            host->width = WIDTH;
            host->height = HEIGHT;
            av_frame_get_buffer(host, 0);
            memset(host->data[0], 1, (size_t)host->linesize[0] * HEIGHT);
            memset(host->data[1], 1, (size_t)host->linesize[1] * HEIGHT / 2);
            av_hwframe_transfer_data(first, host, 0);
            av_frame_free(&host);
            av_frame_free(&first);
        }
        packets += drain(encoder);
    }
    return packets;
}

static int cycle(const char *mode)
{
    AVBufferRef *device = NULL, *pool = NULL, *other = NULL;
    AVCodecContext *encoder;
    void *cuda = dlopen("libcuda.so.1", RTLD_NOW), *owned = NULL, *popped;
    int packets;

    if (mode_is(mode, "early_context")) {
        int (*init)(unsigned) = dlsym(cuda, "cuInit");
        int (*create)(void **, unsigned, int) = dlsym(cuda, "cuCtxCreate_v2");
        int (*pop)(void **) = dlsym(cuda, "cuCtxPopCurrent_v2");

        init(0);
        create(&owned, 0, 0);
        pop(&popped);
        device = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA);
        ((struct cuda_device *)((AVHWDeviceContext *)device->data)->hwctx)->context = owned;
        if (av_hwdevice_ctx_init(device) < 0)
            return 1;
    } else if (av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_CUDA, NULL, NULL, 0) < 0) {
        return 1;
    }
    pool = new_pool(device);
    encoder = open_encoder(pool);
    if (!encoder)
        return 2;
    if (mode_is(mode, "other_pool"))
        other = new_pool(device);
    packets = encode(encoder, other ? other : pool, mode);
    av_buffer_unref(&other);
    if (!mode_is(mode, "no_flush") && !mode_is(mode, "early_context")) {
        avcodec_send_frame(encoder, NULL);
        packets += drain(encoder);
    }
    if (mode_is(mode, "device_first")) {
        av_buffer_unref(&pool);
        av_buffer_unref(&device);
    }
    if (owned) {
        int (*destroy)(void *) = dlsym(cuda, "cuCtxDestroy_v2");
        destroy(owned);
    }
    avcodec_free_context(&encoder);
    av_buffer_unref(&pool);
    av_buffer_unref(&device);
    dlclose(cuda);
    if (!mode_is(mode, "soak"))
        printf("%d packets\n", packets);
    return packets == FRAMES || !mode_is(mode, "soak") ? 0 : 3;
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "normal";
    int cycles = mode_is(mode, "soak") ? CYCLES : 1, status = 0;

    av_log_set_level(AV_LOG_ERROR);
    while (cycles-- && !status)
        status = cycle(mode);
    return status;
}
