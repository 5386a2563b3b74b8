//! What must compile: for each `ui/*.rs`, which must not, its twin of the same name, with the smallest change that makes it
//! legal; and programs that users wrote against the API's sketch. `types.rs` checks that each rejection has its twin here.
#![allow(dead_code, unused_variables, unused_assignments)]
#![allow(clippy::map_collect_result_unit, clippy::needless_late_init)]

// The twins of ui/.
mod encoder_asked_in_the_guard;
mod foreign_device;
mod foreign_memory;
mod foreign_state;
mod generic_without_a_common_lifetime;
mod h01_free_before_close;
mod h01_opened_and_ignored;
mod h02_borrowed_device_on_free_thread;
mod h02_device_by_value;
mod h02_device_closed_under_encoder;
mod h02_device_declared_last;
mod h02_device_dropped_first;
mod h02_device_dropped_under_frame;
mod h02_device_dropped_under_mapping;
mod h02_device_dropped_under_pool;
mod h02_frame_outlives_device;
mod h03_encoder_flushed_under_its_packets;
mod h03_picture_used_after_import;
mod h08_borrowed_codec_closed_within;
mod h09_free_while_flushing;
mod h09_host_rows_outlive_frame;
mod h09_plane_outlives_frame;
mod h10_borrowed_picture;
mod h10_frame_used_after_send;
mod h11_owner_not_send;
mod h11_picture_not_send;
mod h12_decoder_flush_ignored;
mod h12_finish_before_flush;
mod h12_flush_ignored;
mod h12_output_ignored;
mod h20_fallback_not_matched;
mod h22_plane_taken_for_its_bytes;
mod h23_codec_option_after_open;
mod h23_gop_after_open;
mod h23_hold_after_open;
mod h23_option_after_open;
mod h29_context_reached;
mod h29_opened_after_close;
mod h29_opened_twice;
mod h31_borrowed_owner;
mod h31_owner_dropped_first;
mod h32_send_after_flush;
mod h32_send_while_flushing;
mod h35_close_twice;
mod h35_device_closed_twice;
mod h35_free_twice;
mod h36_pool_set_after_open;
mod h36_pool_set_on_the_configuration;
mod h37_decoder_on_two_threads;
mod h37_demuxer_read_on_two_threads;
mod h37_encoder_on_two_threads;
mod h37_frame_written_on_two_threads;
mod h39_file_ignored;
mod h39_track_added_after_header;
mod h39_trailer_error_ignored;
mod h39_write_after_trailer;
mod h39_write_before_header;
mod h42_pool_of_a_decoder;
mod h49_packet_sent_to_a_flushing_decoder;
mod h49_seek_under_pulled_frames;
mod h49_seek_without_a_word_on_the_decoder;
mod h54_stream_set_after_the_device_is_made;
mod h65_mapped_memory_as_bytes;
mod h66_bytes_between_rows;
mod setting_changed_while_packets_are_taken;
mod wrong_codec_for_memory;
mod wrong_memory;
mod wrong_option_value;

// No twins.
mod another_devices_frame_is_a_run_time_error;
mod audio_copied_beside_pulled_frames;
mod borrowed_device_on_scoped_thread;
mod boxed_error;
mod device_dropped_last;
mod device_shared;
mod encoder_is_free_in_the_error_arm;
mod encoder_opened_at_the_first_frame;
mod erased;
mod frame_of_new_pool_goes_to_new_encoder;
mod frame_shared_by_two_encoders;
mod frame_two_threads;
mod generic_over_memory;
mod host_frame_in_a_helper;
mod option_changed_after_failed_open;
mod own_error_type;
mod poisoned_flush_gives_the_report;

#[cfg(feature = "anyhow")]
#[path = "../anyhow/anyhow_question_mark.rs"]
mod anyhow_question_mark;
#[path = "../anyhow/anyhow_with_into_error.rs"]
mod anyhow_with_into_error;
