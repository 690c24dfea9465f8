package handover

func closeAll(fds []int) {
	for _, fd := range fds {
		closeFD(fd)
	}
}
