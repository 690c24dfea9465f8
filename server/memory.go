package server

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// goShare is the part of the memory that Go may fill before it collects garbage all the time (in hundredths); the rest
// is for what Go does not count, such as the stacks of threads.
const goShare = 90

// processMemory is what the process may use, in bytes, and what says so; 0 when nothing does.
func processMemory(l config.Limits) (bytes int64, source string) {
	if l.Memory > 0 {
		return int64(l.Memory), "limits.memory"
	}
	if n, err := memlimit.FromCgroup(); err == nil {
		return int64(n), "the cgroup"
	}
	if n, err := memlimit.FromSystem(); err == nil {
		return int64(n), "the machine"
	}
	return 0, "nobody"
}

// limitMemory sets Go's memory limit, which is one for the process, unless the environment has set it.
func limitMemory(l config.Limits, log *slog.Logger) {
	if env := os.Getenv("GOMEMLIMIT"); env != "" {
		log.Info("memory limit", "go_memory_limit", env, "set_by", "GOMEMLIMIT")
		return
	}
	bytes, source := processMemory(l)
	if bytes == 0 {
		log.Warn("cannot determine the memory limit", "remedy", "set limits.memory")
		return
	}
	limit := bytes / 100 * goShare
	debug.SetMemoryLimit(limit)
	log.Info("memory limit", "go_memory_limit", mebibytes(limit), "set_by", source, "buffer_total", mebibytes(bufferTotal(l)))
}

// bufferTotal is what may wait for slow peers on all connections together, in bytes; 0: no limit.
func bufferTotal(l config.Limits) int64 {
	if l.BufferTotal > 0 {
		return int64(l.BufferTotal)
	}
	bytes, _ := processMemory(l)
	if os.Getenv("GOMEMLIMIT") != "" { // Go has read it
		if limit := debug.SetMemoryLimit(-1); bytes == 0 || limit < bytes {
			bytes = limit
		}
	}
	return bytes / 4
}

func mebibytes(n int64) string { return fmt.Sprintf("%dMiB", n>>20) }
