package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds a file that a configuration names, in bytes. No certificate, token or table of ports comes near it.
const maxFile = 16 << 20

var errTooLong = errors.New("longer than 16MiB")

// ReadFile is os.ReadFile with a bound: a path that leads to a device or a dump costs no more memory than that. Its errors
// are [fs.PathError]s.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = &fs.PathError{Op: "read", Path: path, Err: errTooLong}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
