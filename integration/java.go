package integration

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// The Java part of this package: one Maven file per set of jars, and the sources of the story programs.
//
//go:embed java
var javaFiles embed.FS

// cacheDir keeps what is fetched and compiled, outside of the repository and over test runs.
func cacheDir() (string, error) {
	if dir := os.Getenv("ROCKETMQ_PROXY_CACHE"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot find a place for the jars, set ROCKETMQ_PROXY_CACHE: %w", err)
	}
	return filepath.Join(home, ".cache", "rocketmq-proxy"), nil
}

// making keeps two tests of this process from making the same cache entry twice.
var making sync.Mutex

// cached returns the directory name of the cache, and lets make fill it the first time. It is filled under another
// name and renamed when complete, so that its existence means that it is complete, and when two test processes
// race, the second finds the place taken and throws its own copy away.
func cached(name string, fill func(dir string) error) (string, error) {
	making.Lock()
	defer making.Unlock()
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the cache: %w", err)
	}
	draft, err := os.MkdirTemp(cache, name+".draft-")
	if err != nil {
		return "", fmt.Errorf("cannot make the cache: %w", err)
	}
	defer os.RemoveAll(draft)
	if err := fill(draft); err != nil {
		return "", err
	}
	if err := os.Rename(draft, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("cannot put %s into the cache: %w", name, err)
	}
	return dir, nil
}

// jars returns the class path of a set, for example "server-5.5.0" or "client-4.9.4", fetched from Maven Central
// by the file of that name in java/.
func jars(set string) (string, error) {
	pom, err := javaFiles.ReadFile("java/" + set + ".xml")
	if err != nil {
		return "", fmt.Errorf("no such set of jars: %w", err)
	}
	dir, err := cached(set+"-"+fingerprint(pom), func(dir string) error {
		pomPath := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pomPath, pom, 0o644); err != nil {
			return err
		}
		out, err := exec.Command("mvn", "-B", "-q", "-f", pomPath, "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot fetch the jars of %s with mvn: %w\n%s", set, err, out)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "*"), nil // Java expands * to all jars of the directory
}

// storyClasses returns the class path of the story programs, compiled against one client version together with
// its jars. Sources in java/src are for every version, those in java/src-<version> for that one alone.
func storyClasses(clientVersion string) (string, error) {
	clientJars, err := jars("client-" + clientVersion)
	if err != nil {
		return "", err
	}
	var sources []byte
	files := make(map[string][]byte)
	for _, dir := range []string{"java/src", "java/src-" + clientVersion} {
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
	dir, err := cached("stories-"+clientVersion+"-"+fingerprint(sources), func(dir string) error {
		argv := []string{"-d", dir, "-cp", clientJars, "-nowarn", "-encoding", "UTF-8"}
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
			argv = append(argv, path)
		}
		out, err := exec.Command("javac", argv...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot compile the Java stories against client %s: %w\n%s", clientVersion, err, out)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return dir + string(os.PathListSeparator) + clientJars, nil
}

func fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// javaCommand returns the command line of a Java program: a small heap, the serial collector and only the first
// compiler, since start-up is most of what these processes do.
func javaCommand(home, maxHeap, classPath, mainClass string, args ...string) []string {
	argv := []string{"java", "-Xms64m", "-Xmx" + maxHeap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Drocketmq.home.dir=" + home, "-Duser.home=" + home, "-Djava.net.preferIPv4Stack=true",
		// RocketMQ reaches into the JDK, for example to unmap files.
		"--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED", "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED"}
	for _, pkg := range []string{"java.lang", "java.util", "java.nio", "sun.nio.ch", "jdk.internal.ref", "jdk.internal.misc"} {
		argv = append(argv, "--add-opens=java.base/"+pkg+"=ALL-UNNAMED")
	}
	argv = append(argv, "-cp", classPath, mainClass)
	return append(argv, args...)
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
