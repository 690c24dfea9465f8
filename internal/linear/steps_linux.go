package linear

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// countable: only Linux runs a binary whose file no longer has a name. Tests change it.
var countable = true

// counted are the packages whose steps count, as patterns for the go command in the directory of the package under test.
const counted = "./...,github.com/rocketmq-proxy/rocketmq-proxy/codec/...,github.com/pires/go-proxyproto"

// build makes the test binary that counts, once for each process. Its file no longer has a name, so nothing is left of
// it when the process ends.
var build = sync.OnceValues(func() (*os.File, error) {
	dir, err := os.MkdirTemp("", "steps")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "counting.test")
	if out, err := exec.Command("go", "test", "-c", "-covermode=atomic", "-coverpkg="+counted, "-o", name, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.Open(name)
})

// counter is the path of a build of this test binary that counts.
func counter(t *testing.T) string {
	t.Helper()
	f, err := build()
	if err != nil {
		t.Fatalf("cannot build the tests with counters: %v", err)
	}
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
}
