package linear

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// stepsCase says to a child process which call of Steps it is to run, with how much, and whether it
// is only to prepare it: "index n idle".
const stepsCase = "ROCKETMQ_PROXY_STEPS_CASE"

// calls of Steps so far, of each test. Tests that count steps do not run in parallel.
var calls = map[*testing.T]int{}

// Steps fails t unless twice the input is at most 2.2 times the steps. A step is one run of a basic block of the package
// under test, of codec or of what reads PROXY headers: what the coverage counters of a child process say, which runs this very test. So the number is
// the same on any machine, however busy it is. What a call of the standard library does is no step: there Cost helps.
// prepare makes the input and returns the work; its own steps do not count. On systems other than Linux nothing is counted.
func Steps(t *testing.T, n int, prepare func(n int) func()) {
	t.Helper()
	if !countable {
		t.Log("steps are counted on Linux only")
		return
	}
	once, twice := count(t, n, prepare)
	if float64(twice) > limit*float64(once) {
		t.Fatalf("steps: %d for %d, %d for %d", once, n, twice, 2*n)
	}
}

// count is how many steps n and 2n take.
func count(t *testing.T, n int, prepare func(n int) func()) (once, twice int) {
	t.Helper()
	index := calls[t]
	calls[t]++
	if counting() {
		runCase(t, index, prepare)
		return 0, 0
	}
	if once, twice = work(t, index, n), work(t, index, 2*n); once == 0 {
		t.Fatal("the package's work is not counted")
	}
	return once, twice
}

// counting reports that this is a child process, in which there is nothing to do but to run one case.
func counting() bool { return os.Getenv(stepsCase) != "" }

// runCase runs one case in the child process, whose counters are written when its test has ended.
func runCase(t *testing.T, index int, prepare func(n int) func()) {
	t.Helper()
	var (
		i, n int
		idle bool
	)
	if _, err := fmt.Sscan(os.Getenv(stepsCase), &i, &n, &idle); err != nil {
		t.Fatal(err)
	}
	if i != index {
		return
	}
	if work := prepare(n); !idle {
		work()
	}
	t.SkipNow()
}

// work is how many steps one case takes without its preparation.
func work(t *testing.T, index, n int) int {
	t.Helper()
	return steps(t, index, n, false) - steps(t, index, n, true)
}

// steps has a child process count those of one case.
func steps(t *testing.T, index, n int, idle bool) (sum int) {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "steps")
	var pattern []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := exec.Command(counter(t), "-test.run", strings.Join(pattern, "/"), "-test.coverprofile", profile)
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %t", stepsCase, index, n, idle))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("cannot count steps: %v\n%s", err, out)
	}
	f, err := os.Open(profile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() { // file:line.column,line.column statements count
		if fields := strings.Fields(lines.Text()); len(fields) == 3 {
			count, err := strconv.Atoi(fields[2])
			if err != nil {
				t.Fatal(err)
			}
			sum += count
		}
	}
	return sum
}
