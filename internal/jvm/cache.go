// Package jvm fetches RocketMQ's own programs from Maven Central and says how to start them. It is for integration and
// bench, which run them beside the proxy.
package jvm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// cacheDir keeps what is fetched and compiled, outside of the repository and over runs.
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

// making keeps two of this process from making the same cache entry twice.
var making sync.Mutex

// Cached returns the directory name of the cache, and lets fill fill it the first time. It is filled under another
// name and renamed when complete, so that its existence means that it is complete, and when two processes race, the
// second finds the place taken and throws its own copy away.
func Cached(name string, fill func(dir string) error) (string, error) {
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

// Fingerprint tells one content of a cache entry from another, as a part of its name.
func Fingerprint(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
