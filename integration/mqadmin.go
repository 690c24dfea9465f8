package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// mqadmin is RocketMQ's command line tool of some version, kept running for many commands.
type mqadmin struct {
	mu      sync.Mutex
	process *process
	in      io.Writer
	out     *bufio.Reader
}

// startMQAdmin starts mqadmin of a client version (its tools come with the jars of that version's stories). It runs
// in a directory of its own, because consumerStatus writes files to the working directory.
func startMQAdmin(t *testing.T, version string) *mqadmin {
	t.Helper()
	requireReal(t)
	classPath, err := storyClasses(version)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := runSubdir(unique(t, "mqadmin"))
	if err != nil {
		t.Fatal(err)
	}
	if err := prepareHome(dir); err != nil {
		t.Fatal(err)
	}
	argv := javaCommand(dir, "256m", classPath, "AdminShell")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	// Pipes of os, not of exec: those are closed when the process exits, maybe before all was read.
	commands, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = commands, answers
	p, err := startCommand("mqadmin "+version, filepath.Join(dir, "stderr"), cmd)
	commands.Close()
	answers.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		p.kill()
		out.Close()
	})
	return &mqadmin{process: p, in: in, out: bufio.NewReader(out)}
}

// run runs one command against a name server and returns what it printed. mqadmin reports failures on the screen
// only, so callers have to look at that.
func (a *mqadmin) run(nameServer string, words ...string) (string, error) {
	return a.exchange(append(slices.Clip(words), "-n", nameServer)...)
}

// startMember starts a push consumer in the process of the tool, with the client of its version.
func (a *mqadmin) startMember(nameServer, topic, group, instance string) error {
	printed, err := a.exchange("!member", nameServer, topic, group, instance)
	if err == nil && printed != "" {
		err = fmt.Errorf("cannot start a consumer: %s", printed)
	}
	return err
}

// received returns how often each body has come to the members.
func (a *mqadmin) received() (map[checksum]int, error) {
	printed, err := a.exchange("!received")
	if err != nil {
		return nil, err
	}
	times := make(map[checksum]int)
	for line := range strings.Lines(printed) {
		var sum []byte
		var n int
		if _, err := fmt.Sscanf(line, "%x %d", &sum, &n); err != nil {
			return nil, fmt.Errorf("cannot read %q as a count of messages: %w", line, err)
		}
		times[checksum(sum)] = n
	}
	return times, nil
}

func (a *mqadmin) exchange(words ...string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	command := strings.Join(words, "\t")
	if _, err := fmt.Fprintln(a.in, command); err != nil {
		return "", fmt.Errorf("cannot give a command to %s: %w", a.process.name, err)
	}
	line, err := a.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s does not answer to %q: %w\n%s", a.process.name, command, err, a.process.lastOutput())
	}
	size, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return "", fmt.Errorf("%s printed %q outside of its answers", a.process.name, line)
	}
	printed := make([]byte, size)
	if _, err := io.ReadFull(a.out, printed); err != nil {
		return "", fmt.Errorf("half an answer of %s to %q: %w", a.process.name, command, err)
	}
	return string(printed), nil
}
