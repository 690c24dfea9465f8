// Package freeport finds ports for tests that must name one before somebody listens on it.
//
// It takes them below 32768, where Linux begins to hand out ports to listeners on port 0 and to outgoing connections: a
// port that was free a moment ago would else be taken by a client of this very test.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

const (
	lowest  = 18000
	highest = 32000
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: make(map[int]bool)}

// Range returns the first of n neighboring ports that nobody listens on and that were not handed out before.
func Range(n int) (first int, err error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		first := lowest + rand.IntN(highest-lowest-n)
		if allFree(first, n) {
			for port := first; port < first+n; port++ {
				handedOut.ports[port] = true
			}
			return first, nil
		}
	}
	return 0, fmt.Errorf("cannot find %d neighboring free ports between %d and %d", n, lowest, highest)
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		if handedOut.ports[port] {
			return false
		}
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// Loopback is the address of a port on this machine.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
