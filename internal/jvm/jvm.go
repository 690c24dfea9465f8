package jvm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Jars returns the class path of what a Maven file depends on, fetched from Maven Central the first time.
func Jars(name string, pom []byte) (string, error) {
	dir, err := Cached(name+"-"+Fingerprint(pom), func(dir string) error {
		pomPath := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pomPath, pom, 0o644); err != nil {
			return err
		}
		if _, err := exec.LookPath("mvn"); err != nil {
			return fmt.Errorf("cannot fetch the jars of %s without mvn (Debian: apt install maven): %w", name, err)
		}
		out, err := exec.Command("mvn", "-B", "-q", "-f", pomPath, "dependency:copy-dependencies",
			"-DincludeScope=runtime", "-DoutputDirectory="+dir).CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot fetch the jars of %s with mvn: %w\n%s", name, err, out)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "*"), nil // Java expands * to all jars of the directory
}

// Command returns the command line of a program of RocketMQ's or with its jars. options are the JVM's own, such as
// the size of the heap.
func Command(options []string, home, classPath, mainClass string, args ...string) []string {
	argv := append([]string{"java"}, options...)
	argv = append(argv, "-Drocketmq.home.dir="+home, "-Duser.home="+home, "-Djava.net.preferIPv4Stack=true",
		// RocketMQ reaches into the JDK, for example to unmap files.
		"--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED", "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED")
	for _, pkg := range []string{"java.lang", "java.util", "java.nio", "sun.nio.ch", "jdk.internal.ref", "jdk.internal.misc"} {
		argv = append(argv, "--add-opens=java.base/"+pkg+"=ALL-UNNAMED")
	}
	argv = append(argv, "-cp", classPath, mainClass)
	return append(argv, args...)
}
