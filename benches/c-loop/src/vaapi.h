/* h264_vaapi in C. */

/* Encodes some pictures on the GPU of a DRM node, drains and frees, whatever errors there are on the way. Gives the packets, or an
 * AVERROR; `references` gets how many there are to the device before the last of ours goes, which is one if nothing leaks. */
int c_loop_vaapi(const char *node, int pictures, int b_frames, int *references);
