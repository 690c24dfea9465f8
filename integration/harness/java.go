package harness

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/jvm"
)

// The Java part of this package: one Maven file per set of jars, and the sources of the story programs.
//
//go:embed java
var javaFiles embed.FS

// jars returns the class path of a set, for example "server-5.5.0" or "client-4.9.4", fetched from Maven Central
// by the file of that name in java/.
func jars(set string) (string, error) {
	pom, err := javaFiles.ReadFile("java/" + set + ".xml")
	if err != nil {
		return "", fmt.Errorf("no such set of jars: %w", err)
	}
	return jvm.Jars(set, pom)
}

// StoryClasses returns the class path of the story programs, compiled against one client version together with
// its jars. Sources in java/src are for every version, those in java/src-<version> for that one alone.
func StoryClasses(clientVersion string) (string, error) {
	return compiled("client-"+clientVersion, "stories-"+clientVersion, "java/src", "java/src-"+clientVersion)
}

// compiled returns the class path of the sources in some directories, compiled against a set of jars together with it. What
// is compiled is kept under name.
func compiled(set, name string, dirs ...string) (string, error) {
	against, err := jars(set)
	if err != nil {
		return "", err
	}
	var sources []byte
	files := make(map[string][]byte)
	for _, dir := range dirs {
		entries, err := javaFiles.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		for _, entry := range entries {
			text, err := javaFiles.ReadFile(dir + "/" + entry.Name())
			if err != nil {
				return "", err
			}
			files[entry.Name()] = text
			sources = append(sources, text...)
		}
	}
	dir, err := jvm.Cached(name+"-"+jvm.Fingerprint(sources), func(dir string) error {
		argv := []string{"-d", dir, "-cp", against, "-nowarn", "-encoding", "UTF-8"}
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
			argv = append(argv, path)
		}
		out, err := exec.Command("javac", argv...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot compile %s against %s: %w\n%s", name, set, err, out)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return dir + string(os.PathListSeparator) + against, nil
}

// JavaCommand returns the command line of a Java program: a small heap, the serial collector and only the first
// compiler, since start-up is most of what these processes do.
func JavaCommand(home, maxHeap, classPath, mainClass string, args ...string) []string {
	options := []string{"-Xms64m", "-Xmx" + maxHeap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	return jvm.Command(options, home, classPath, mainClass, args...)
}

// prepareHome makes the directory that a RocketMQ program takes for its home. 4.9.x programs read their logging from
// conf/ there; mqadmin of that line does nothing without it, the servers complain at length.
func prepareHome(home string) error {
	if err := os.MkdirAll(filepath.Join(home, "conf"), 0o755); err != nil {
		return fmt.Errorf("cannot make a home: %w", err)
	}
	logback := `<configuration><appender name="file" class="ch.qos.logback.core.FileAppender"><file>` + home +
		`/rocketmq.log</file><encoder><pattern>%d{HH:mm:ss.SSS} %p %c{0} %m%n</pattern></encoder></appender>` +
		`<root level="INFO"><appender-ref ref="file"/></root></configuration>`
	for _, program := range []string{"namesrv", "broker", "tools"} {
		path := filepath.Join(home, "conf", "logback_"+program+".xml")
		if err := os.WriteFile(path, []byte(logback), 0o644); err != nil {
			return fmt.Errorf("cannot configure logging: %w", err)
		}
	}
	return nil
}
