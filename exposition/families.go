package exposition

import "strings"

// family is what is known of a metric.
type family struct{ kind, help string }

// families are all metrics by their names.
var families = parse(envoy + proxy + process)

// parse reads a table: name, type and help of a metric a line.
func parse(table string) map[string]family {
	all := map[string]family{}
	for line := range strings.Lines(table) {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			kind, help, _ := strings.Cut(rest, " ")
			all[name] = family{kind, help}
		}
	}
	return all
}

// envoy is the 27 statistics of Envoy's RocketMQ filter. Their names are Envoy's, so counters do not end in _total.
const envoy = `
rocketmq_request counter Requests of clients, well-formed or not.
rocketmq_request_decoding_success counter Requests of clients that are well-formed frames.
rocketmq_request_decoding_error counter Times that the bytes of a client were not a frame.
rocketmq_response counter Responses of upstreams, well-formed or not.
rocketmq_response_decoding_success counter Responses of upstreams that are well-formed frames.
rocketmq_response_decoding_error counter Times that the bytes of an upstream were not a frame.
rocketmq_response_success counter Responses to clients that are an ordinary outcome of their request.
rocketmq_response_error counter Other responses to clients, and requests that could not be answered.
rocketmq_heartbeat counter Heartbeats of clients.
rocketmq_unregister counter Requests of clients to unregister.
rocketmq_get_topic_route counter Requests for routes.
rocketmq_send_message_v1 counter Requests to send a message in the long form.
rocketmq_send_message_v2 counter Requests to send messages in the short form.
rocketmq_pop_message counter Requests to pop messages.
rocketmq_ack_message counter Requests to acknowledge popped messages.
rocketmq_get_consumer_list counter Requests for the members of a consumer group.
rocketmq_maintenance_failure counter Requests rejected because a cluster, a broker or a topic is in maintenance.
rocketmq_request_active gauge Requests between being read and being answered.
rocketmq_send_message_v1_active gauge Requests to send a message in the long form, between being read and being answered.
rocketmq_send_message_v2_active gauge Requests to send messages in the short form, between being read and being answered.
rocketmq_pop_message_active gauge Requests to pop messages, between being read and being answered.
rocketmq_get_topic_route_active gauge Requests for routes, between being read and being answered.
rocketmq_send_message_pending gauge Requests to send messages that are not yet handed to an upstream.
rocketmq_pop_message_pending gauge Requests to pop messages that are not yet handed to an upstream.
rocketmq_get_topic_route_pending gauge Requests for routes that are not yet handed on.
rocketmq_total_pending gauge Requests that are not yet handed to an upstream.
rocketmq_request_time_ms histogram Milliseconds from reading a request to its answer.
`

// proxy is the proxy's own metrics, in base units.
const proxy = `
rocketmq_proxy_build_info gauge The build that runs, in labels; always 1.
rocketmq_proxy_ready gauge 1 while /readyz answers 200.
rocketmq_proxy_draining gauge 1 from the beginning of a drain.
rocketmq_proxy_downstream_connections gauge Open client connections.
rocketmq_proxy_downstream_connections_total counter Client connections that were accepted.
rocketmq_proxy_downstream_bytes_total counter Bytes received from clients and sent to them.
rocketmq_proxy_downstream_read_pauses_total counter Times that a client was not read because of what waits for it.
rocketmq_proxy_upstream_bytes_total counter Bytes received from upstreams and sent to them.
rocketmq_proxy_upstream_connections_total counter Connections to upstreams that were opened.
rocketmq_proxy_upstream_losses_total counter Connections to upstreams that were lost while the client was there.
rocketmq_proxy_upstream_duration_seconds histogram Time from reading a request to the answer of an upstream, long polls included.
rocketmq_proxy_upstream_requests_total counter Requests of brokers to clients.
rocketmq_proxy_requests_total counter Requests of clients.
rocketmq_proxy_local_replies_total counter Answers that the proxy made itself.
rocketmq_proxy_malformed_frames_total counter Times that the bytes of a client or an upstream were not a frame, by what they look like.
rocketmq_proxy_heartbeats_replayed_total counter Heartbeats that registered a client again after a loss.
rocketmq_proxy_connections_handed_over_total counter Client connections that were handed over to a successor.
rocketmq_proxy_connections_taken_over_total counter Client connections that were taken over from a predecessor.
rocketmq_proxy_grpc_calls_total counter Calls of gRPC that have ended, by method and by the code of their status.
rocketmq_proxy_grpc_sessions gauge Clients of gRPC, by their client ids.
rocketmq_proxy_refused_total counter Clients that were rejected or cut off, by the last part of the setting.
rocketmq_proxy_limited_total counter Requests that a [[limit]] has refused, held for a while, or delayed by not reading the client.
rocketmq_proxy_listener_full gauge 1 while the ports of a listener are closed because all permits are taken.
rocketmq_proxy_accept_failures_total counter Connections that the system failed to accept.
rocketmq_proxy_broker_up gauge 1 while a broker takes connections.
rocketmq_proxy_broker_dials_total counter Attempts to connect to a broker, the prober's included.
rocketmq_proxy_broker_dial_failures_total counter Attempts to connect to a broker that failed.
rocketmq_proxy_brokers gauge Brokers that the name servers of a cluster know.
rocketmq_proxy_brokers_left_out gauge Brokers of a listener that have no port because none could be opened; those that are away do not count.
rocketmq_proxy_cluster_age_seconds gauge Time since a name server of a cluster last answered.
rocketmq_proxy_name_server_up gauge 1 if the last query to a name server was answered.
rocketmq_proxy_name_server_queries_total counter Queries to a name server.
rocketmq_proxy_name_server_failures_total counter Queries to a name server without a usable answer in time.
rocketmq_proxy_buffered_bytes gauge Bytes that wait for slow peers, incomplete headers, heartbeats that are kept, and requests in flight.
rocketmq_proxy_buffer_limit_bytes gauge Upper limit of buffered bytes (limits.buffer_total).
rocketmq_proxy_buffer_read_pauses_total counter Times that a socket was not read because of limits.buffer_total.
rocketmq_proxy_io_uring_enabled gauge 1 while all event loops make their system calls through io_uring.
rocketmq_proxy_actor_restarts_total counter Panics, by the kind of actor, whatever was done about them.
rocketmq_proxy_reloads_total counter Reloads of the configuration, by result.
rocketmq_proxy_config_last_reload_successful gauge 0 from a failed reload until the next that succeeds.
rocketmq_proxy_config_last_reload_success_timestamp_seconds gauge Unix time of the last successful reload; the start is the first.
rocketmq_proxy_tls_certificate_expiry_timestamp_seconds gauge Unix time at which the first certificate of a chain expires.
rocketmq_proxy_tls_reloads_total counter Changed TLS files, by result.
rocketmq_proxy_tls_insecure_skip_verify gauge 1 if the certificates of a cluster's brokers are not verified.
`

// process is what VictoriaMetrics' library tells of the process and of Go (go_metrics.go, process_metrics_linux.go).
const process = `
go_cgo_calls_count counter Calls from Go to C.
go_cpu_count gauge Logical CPUs.
go_gc_cpu_seconds_total counter CPU time of the garbage collector.
go_gc_duration_seconds summary Pauses of the garbage collector.
go_gc_forced_count counter Garbage collections that were forced.
go_gc_mark_assist_cpu_seconds_total counter CPU time in which goroutines assisted the garbage collector.
go_gc_pauses_seconds histogram Pauses of the garbage collector.
go_gomaxprocs gauge GOMAXPROCS.
go_goroutines gauge Goroutines.
go_info gauge Version of Go, in a label; always 1.
go_info_ext gauge Compiler and platform, in labels; always 1.
go_memlimit_bytes gauge GOMEMLIMIT.
go_memstats_alloc_bytes gauge Bytes of allocated heap objects.
go_memstats_alloc_bytes_total counter Bytes of heap objects that were allocated.
go_memstats_buck_hash_sys_bytes gauge Bytes of hash tables for profiles.
go_memstats_frees_total counter Heap objects that were freed.
go_memstats_gc_cpu_fraction gauge Part of the CPU time that the garbage collector has used since the start.
go_memstats_gc_sys_bytes gauge Bytes of the garbage collector's own data.
go_memstats_heap_alloc_bytes gauge Bytes of allocated heap objects.
go_memstats_heap_idle_bytes gauge Bytes of heap spans that are not in use.
go_memstats_heap_inuse_bytes gauge Bytes of heap spans that are in use.
go_memstats_heap_objects gauge Heap objects.
go_memstats_heap_released_bytes gauge Bytes of the heap that were returned to the system.
go_memstats_heap_sys_bytes gauge Bytes of the heap that were obtained from the system.
go_memstats_last_gc_time_seconds gauge Unix time at which the last garbage collection ended.
go_memstats_lookups_total counter Pointer lookups of the runtime.
go_memstats_mallocs_total counter Heap objects that were allocated.
go_memstats_mcache_inuse_bytes gauge Bytes of mcache structures that are in use.
go_memstats_mcache_sys_bytes gauge Bytes of mcache structures that were obtained from the system.
go_memstats_mspan_inuse_bytes gauge Bytes of mspan structures that are in use.
go_memstats_mspan_sys_bytes gauge Bytes of mspan structures that were obtained from the system.
go_memstats_next_gc_bytes gauge Heap size at which the next garbage collection begins.
go_memstats_other_sys_bytes gauge Bytes of other allocations of the runtime.
go_memstats_stack_inuse_bytes gauge Bytes of stacks that are in use.
go_memstats_stack_sys_bytes gauge Bytes of stacks that were obtained from the system.
go_memstats_sys_bytes gauge Bytes that the runtime has obtained from the system.
go_mutex_wait_seconds_total counter Time that goroutines have waited for mutexes.
go_scavenge_cpu_seconds_total counter CPU time for returning memory to the system.
go_sched_latencies_seconds histogram Time that goroutines were ready before they ran.
go_threads gauge Threads that were created.
process_cpu_seconds_system_total counter CPU time in the kernel.
process_cpu_seconds_total counter CPU time of the process.
process_cpu_seconds_user_total counter CPU time in user space.
process_io_read_bytes_total counter Bytes read by system calls.
process_io_read_syscalls_total counter System calls that read.
process_io_storage_read_bytes_total counter Bytes read from storage.
process_io_storage_written_bytes_total counter Bytes written to storage.
process_io_write_syscalls_total counter System calls that write.
process_io_written_bytes_total counter Bytes written by system calls.
process_major_pagefaults_total counter Page faults that needed storage.
process_max_fds gauge Limit of open file descriptors.
process_minor_pagefaults_total counter Page faults that needed no storage.
process_num_threads gauge Threads.
process_open_fds gauge Open file descriptors.
process_pressure_cpu_stalled_seconds_total counter Time that all tasks of the cgroup were stalled on CPU.
process_pressure_cpu_waiting_seconds_total counter Time that some task of the cgroup waited for CPU.
process_pressure_io_stalled_seconds_total counter Time that all tasks of the cgroup were stalled on I/O.
process_pressure_io_waiting_seconds_total counter Time that some task of the cgroup waited for I/O.
process_pressure_memory_stalled_seconds_total counter Time that all tasks of the cgroup were stalled on memory.
process_pressure_memory_waiting_seconds_total counter Time that some task of the cgroup waited for memory.
process_resident_memory_anon_bytes gauge Resident anonymous memory.
process_resident_memory_bytes gauge Resident memory.
process_resident_memory_file_bytes gauge Resident memory that is backed by files.
process_resident_memory_peak_bytes gauge Largest resident memory so far.
process_resident_memory_shared_bytes gauge Resident memory that is shared.
process_start_time_seconds gauge Unix time at which the process started.
process_virtual_memory_bytes gauge Virtual memory.
process_virtual_memory_peak_bytes gauge Largest virtual memory so far.
metrics_push_total counter Pushes to metrics.push_url.
metrics_push_errors_total counter Pushes that failed.
metrics_push_bytes_pushed_total counter Bytes that were pushed, before compression.
metrics_push_block_size_bytes histogram Bytes of one push, before compression.
metrics_push_duration_seconds histogram Duration of one push.
metrics_push_interval_seconds gauge metrics.push_interval.
`
