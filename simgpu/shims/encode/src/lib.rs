//! The simulated libnvidia-encode.so.1: empty itself, it depends on simgpu-core, where a program that opens it finds the functions.
