package integration

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// javaShell is a JVM with clients and the mqadmin of some version, which do what they are told (java/src/Shell.java).
type javaShell struct {
	mu      sync.Mutex
	process *process
	in      io.Writer
	out     *bufio.Reader
}

// startJavaShell starts a shell of a client version. It runs in a directory of its own, because mqadmin's
// consumerStatus writes files to the working directory.
// The options are those of the JVM.
func startJavaShell(t *testing.T, version string, options ...string) *javaShell {
	t.Helper()
	requireReal(t)
	classPath, err := storyClasses(version)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := runSubdir(unique(t, "shell"))
	if err != nil {
		t.Fatal(err)
	}
	if err := prepareHome(dir); err != nil {
		t.Fatal(err)
	}
	argv := javaCommand(dir, "256m", classPath, "Shell")
	cmd := exec.Command(argv[0], append(options, argv[1:]...)...)
	cmd.Dir = dir
	p, in, out, err := startTalking("Java shell "+version, filepath.Join(dir, "stderr"), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		p.kill()
		out.Close()
	})
	return &javaShell{process: p, in: in, out: bufio.NewReader(out)}
}

// mqadmin runs one command of mqadmin against a name server and returns what it printed. Failures are reported there
// only, so callers have to look at it.
func (s *javaShell) mqadmin(nameServer string, words ...string) (string, error) {
	return s.exchange(append(slices.Clip(words), "-n", nameServer)...)
}

// startMember starts a push consumer.
func (s *javaShell) startMember(nameServer, topic, group, instance string) error {
	_, err := s.exchange("!member", nameServer, topic, group, instance)
	return err
}

// startProducer starts a producer that sends one message after the other until stopProducer.
func (s *javaShell) startProducer(nameServer, topic, group, instance string) error {
	_, err := s.exchange("!producer", nameServer, topic, group, instance)
	return err
}

func (s *javaShell) stopProducer() error {
	_, err := s.exchange("!stop")
	return err
}

// sent returns the bodies that the producer has sent, and why sends failed.
func (s *javaShell) sent() (stored []checksum, failures []string, err error) {
	printed, err := s.exchange("!sent")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		if reason, failed := strings.CutPrefix(line, "failed "); failed {
			failures = append(failures, reason)
			continue
		}
		sum, err := hex.DecodeString(line)
		if err != nil || len(sum) != len(checksum{}) {
			return nil, nil, fmt.Errorf("cannot read %q as the checksum of a message", line)
		}
		stored = append(stored, checksum(sum))
	}
	return stored, failures, nil
}

// received returns how often each body has come to the members.
func (s *javaShell) received() (map[checksum]int, error) {
	printed, err := s.exchange("!received")
	if err != nil {
		return nil, err
	}
	times := make(map[checksum]int)
	for line := range strings.Lines(printed) {
		var sum []byte
		var n int
		if _, err := fmt.Sscanf(line, "%x %d", &sum, &n); err != nil || len(sum) != len(checksum{}) {
			return nil, fmt.Errorf("cannot read %q as a count of messages", line)
		}
		times[checksum(sum)] = n
	}
	return times, nil
}

func (s *javaShell) exchange(words ...string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	command := strings.Join(words, "\t")
	if _, err := fmt.Fprintln(s.in, command); err != nil {
		return "", fmt.Errorf("cannot give a command to %s: %w", s.process.name, err)
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s does not answer to %q: %w\n%s", s.process.name, command, err, s.process.lastOutput())
	}
	size, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return "", fmt.Errorf("%s printed %q outside of its answers", s.process.name, line)
	}
	printed := make([]byte, size)
	if _, err := io.ReadFull(s.out, printed); err != nil {
		return "", fmt.Errorf("half an answer of %s to %q: %w", s.process.name, command, err)
	}
	return string(printed), nil
}
