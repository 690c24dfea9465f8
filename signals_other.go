//go:build !unix

package main

import "os"

// unsupported are signals that this system does not have.
var unsupported []os.Signal
