package harness

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

// JavaShell is a JVM with clients and the mqadmin of some version, which do what they are told (java/src/Shell.java).
type JavaShell struct {
	mu      sync.Mutex
	process *Process
	in      io.Writer
	out     *bufio.Reader
}

// StartJavaShell starts a shell of a client version, which fails its test if it connects past the proxy. The options are
// those of the JVM.
func StartJavaShell(t *testing.T, version string, options ...string) *JavaShell {
	t.Helper()
	shell := StartDirectShell(t, version, options...)
	shell.process.WatchBypasses(t)
	return shell
}

// StartDirectShell is a StartJavaShell that may connect to anything. It runs in a directory of its own, because mqadmin's
// consumerStatus writes files to the working directory.
func StartDirectShell(t *testing.T, version string, options ...string) *JavaShell {
	t.Helper()
	RequireReal(t)
	classPath, err := StoryClasses(version)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := RunSubdir(Unique(t, "shell"))
	if err != nil {
		t.Fatal(err)
	}
	if err := prepareHome(dir); err != nil {
		t.Fatal(err)
	}
	argv := JavaCommand(dir, "256m", classPath, "Shell")
	cmd := exec.Command(argv[0], append(options, argv[1:]...)...)
	cmd.Dir = dir
	p, in, out, err := StartTalking("Java shell "+version, filepath.Join(dir, "stderr"), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		p.Kill()
		out.Close()
	})
	return &JavaShell{process: p, in: in, out: bufio.NewReader(out)}
}

// MQAdmin runs one command of mqadmin against a name server and returns what it printed. Failures are reported there
// only, so callers have to look at it.
func (s *JavaShell) MQAdmin(nameServer string, words ...string) (string, error) {
	return s.exchange(append(slices.Clip(words), "-n", nameServer)...)
}

// StartMember starts a push consumer.
func (s *JavaShell) StartMember(nameServer, topic, group, instance string) error {
	_, err := s.exchange("!member", nameServer, topic, group, instance)
	return err
}

// StartProducer starts a producer that sends one message after the other until StopProducer.
func (s *JavaShell) StartProducer(nameServer, topic, group, instance string) error {
	_, err := s.exchange("!producer", nameServer, topic, group, instance)
	return err
}

// StopProducer ends the producer after the message that it is sending.
func (s *JavaShell) StopProducer() error {
	_, err := s.exchange("!stop")
	return err
}

// Sent returns the bodies that the producer has sent, and why sends failed.
func (s *JavaShell) Sent() (stored []Checksum, failures []string, err error) {
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
		if err != nil || len(sum) != len(Checksum{}) {
			return nil, nil, fmt.Errorf("cannot read %q as the checksum of a message", line)
		}
		stored = append(stored, Checksum(sum))
	}
	return stored, failures, nil
}

// Received returns how often each body has come to the members.
func (s *JavaShell) Received() (map[Checksum]int, error) {
	printed, err := s.exchange("!received")
	if err != nil {
		return nil, err
	}
	times := make(map[Checksum]int)
	for line := range strings.Lines(printed) {
		var sum []byte
		var n int
		if _, err := fmt.Sscanf(line, "%x %d", &sum, &n); err != nil || len(sum) != len(Checksum{}) {
			return nil, fmt.Errorf("cannot read %q as a count of messages", line)
		}
		times[Checksum(sum)] = n
	}
	return times, nil
}

func (s *JavaShell) exchange(words ...string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	command := strings.Join(words, "\t")
	if _, err := fmt.Fprintln(s.in, command); err != nil {
		return "", fmt.Errorf("cannot give a command to %s: %w", s.process.Name, err)
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s does not answer to %q: %w\n%s", s.process.Name, command, err, s.process.LastOutput())
	}
	size, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return "", fmt.Errorf("%s printed %q outside of its answers", s.process.Name, line)
	}
	printed := make([]byte, size)
	if _, err := io.ReadFull(s.out, printed); err != nil {
		return "", fmt.Errorf("half an answer of %s to %q: %w", s.process.Name, command, err)
	}
	return string(printed), nil
}
