// Package candidate is what stands between the load generator and the sink, one after another: nothing, HAProxy and
// nginx as TCP proxies, Apache's own proxy, and ours in several configurations.
package candidate
