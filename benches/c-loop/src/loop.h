/* The loop, as lib.rs declares it. */

#include <stdint.h>

struct c_loop_counts {
    int64_t packets;
    int64_t bytes;
};

/* Decodes the first `most` packets of the file's video and encodes it at `bit_rate` bits per second; 0, or an AVERROR. `counts` is
 * always written. */
int c_loop_run(const char *path, int64_t most, int64_t bit_rate, struct c_loop_counts *counts);
