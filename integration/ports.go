package integration

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken below 32768, where Linux begins to hand out ports to outgoing connections: a port that is free
// now would else be taken by a client of this very test before the broker gets to it.
const (
	lowestPort  = 18000
	highestPort = 32000
)

var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: make(map[int]bool)}

// freePorts returns the first of n neighbouring ports that nobody listens on and that were not handed out before.
func freePorts(n int) (int, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	for range 1000 {
		first := lowestPort + rand.IntN(highestPort-lowestPort-n)
		if allFree(first, n) {
			for port := first; port < first+n; port++ {
				handedOut.ports[port] = true
			}
			return first, nil
		}
	}
	return 0, fmt.Errorf("cannot find %d neighbouring free ports between %d and %d", n, lowestPort, highestPort)
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

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
