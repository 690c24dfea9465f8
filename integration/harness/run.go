package harness

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var ending struct {
	sync.Mutex
	steps []func() error
}

// atEnd has something that all tests share stopped when the last of them is over.
func atEnd(stop func() error) {
	ending.Lock()
	defer ending.Unlock()
	ending.steps = append(ending.steps, stop)
}

// Run runs the tests and then ends, latest first, what they shared. A proxy that does not end cleanly fails the run.
func Run(m *testing.M) int {
	flag.Parse()
	if err := runManyAtATime(); err != nil {
		fmt.Println("cannot run the stories at the same time:", err)
		return 1
	}
	dir, err := runDir()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	// The Go client logs to standard output by default.
	if err := rlog.SetOutputPath(dir + "/goclient.log"); err != nil {
		fmt.Println("cannot keep the Go client's log:", err)
		return 1
	}
	code := m.Run()
	ending.Lock()
	defer ending.Unlock()
	slices.Reverse(ending.steps)
	for _, stop := range ending.steps {
		if err := stop(); err != nil {
			fmt.Println("FAIL:", err)
			code = 1
		}
	}
	if code != 0 {
		fmt.Println("logs and stores of this run are in", dir)
		return code
	}
	os.RemoveAll(dir)
	return 0
}

// runManyAtATime lets 64 stories run at a time, unless the command line has -parallel. They wait far more than they
// compute (20 s for a first retry alone), so the number of processors, which go test would take, says nothing.
func runManyAtATime() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(64))
}
