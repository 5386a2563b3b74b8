/*
 * FFmpeg's log callback takes a va_list, which Rust cannot receive: this file turns each message into one plain line and
 * hands it over. It holds no state, so it may be called on any thread.
 */

#include <libavutil/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In log.rs. Neither unwinds. */
extern int avsluice_log_wanted(int level);
extern void avsluice_log_line(int level, const char *class_name, const char *line);

/*
 * The object's own name ("h264_nvenc"), or its class's where it has none; "" for a message of no object. Hardware contexts go by
 * their class's name (AVHWDeviceContext) on every version: since FFmpeg 8 a device calls itself after its kind ("CUDA").
 */
static const char *class_name(void *object)
{
    const AVClass *class = object ? *(const AVClass **)object : NULL;
    const char *name = NULL;

    if (!class)
        return "";
    if (class->item_name && strncmp(class->class_name, "AVHW", 4))
        name = class->item_name(object);
    /* A codec context without its codec calls itself "NULL". */
    if (!name || !*name || !strcmp(name, "NULL"))
        name = class->class_name;
    return name ? name : "";
}

static void callback(void *object, int level, const char *format, va_list arguments)
{
    char line[1024];
    /* The prefix would repeat the class name, with an address; the class travels by itself. */
    int print_prefix = 0;

    /* The bits above are a colour (AV_LOG_C). */
    if (level >= 0)
        level &= 0xff;
    /* Most messages end here: nothing is formatted that nobody reads. */
    if (!avsluice_log_wanted(level))
        return;
    if (av_log_format_line2(object, level, format, arguments, line, sizeof(line), &print_prefix) < 0)
        return;
    avsluice_log_line(level, class_name(object), line);
}

/* Sends FFmpeg's messages here (1), or back to its own callback, which prints them to stderr (0). */
void avsluice_log_redirect(int here)
{
    av_log_set_callback(here ? callback : av_log_default_callback);
}
