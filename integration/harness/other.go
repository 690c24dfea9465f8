package harness

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/jvm"
)

// Clients of other languages that registries have: for Node.js, all of it JavaScript, and for C++, as the library inside
// of a Python wheel.
const (
	nodeClient = "ali-ons@3.12.0"
	cppClient  = "rocketmq==0.4.4" // librocketmq 1.2.x
)

//go:embed other
var otherPrograms embed.FS

// NodeStory returns the command of other/story.js.
func NodeStory(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return otherStory(t, "node", "story.js", func(dir string) error {
		return fetch(dir, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", dir, nodeClient)
	}, args)
}

// CPPStory returns the command of other/story.py. The wheel is for Linux on x86-64.
func CPPStory(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return otherStory(t, "python3", "story.py", func(dir string) error {
		return fetch(dir, "python3", "-m", "pip", "install", "--quiet", "--no-deps", "--target", dir, cppClient)
	}, args)
}

// otherStory fetches a client once, and puts the program beside it, where it finds it.
func otherStory(t *testing.T, interpreter, program string, fill func(dir string) error, args []string) *exec.Cmd {
	t.Helper()
	RequireReal(t)
	text, err := otherPrograms.ReadFile("other/" + program)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := jvm.Cached("other-"+interpreter+"-"+jvm.Fingerprint(append(text, nodeClient+cppClient...)), func(dir string) error {
		if err := fill(dir); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, program), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, append([]string{filepath.Join(dir, program)}, args...)...)
	home, err := RunSubdir(Unique(t, interpreter))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Dir, cmd.Env = home, append(os.Environ(), "HOME="+home) // the C++ client logs there
	return cmd
}

func fetch(dir string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot fetch a client with %q: %w\n%s", argv, err, out)
	}
	return nil
}
