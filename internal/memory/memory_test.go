package memory

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestAvailableIsTheLeastOfAllLimits(t *testing.T) {
	machine := map[string]string{"proc/meminfo": "MemTotal:  8000 kB\nMemAvailable:    6000 kB\n"}
	with := func(more map[string]string) fstest.MapFS {
		root := fstest.MapFS{}
		for _, files := range []map[string]string{machine, more} {
			for name, text := range files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		return root
	}
	for _, c := range []struct {
		name string
		root fstest.MapFS
		want int64
	}{
		{"nothing known", fstest.MapFS{}, 0},
		{"the machine", with(nil), 6000 << 10},
		{"a container", with(map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "3000000\n",
			"sys/fs/cgroup/a/memory.current": "1000000\n", "sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 100\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/b/memory.current": "5\n"}), 2_000_100},
		{"a full container", with(map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "3000000\n",
			"sys/fs/cgroup/memory.current": "3000000\n"}), 1},
		{"a limit of the process", with(map[string]string{"proc/self/limits": "Limit   Soft Limit   Hard Limit   Units\nMax address space         4000000              unlimited            bytes\n",
			"proc/self/status": "Name:\tx\nVmSize:\t    1000 kB\n"}), 4_000_000 - 1000<<10},
		{"no limit of the process", with(map[string]string{"proc/self/limits": "Max address space         unlimited            unlimited            bytes\n",
			"proc/self/status": "VmSize:\t    1000 kB\n"}), 6000 << 10},
	} {
		if got := Available(c.root); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestThisMachineHasMemory(t *testing.T) {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		t.Skip("not Linux")
	}
	if got := Available(os.DirFS("/")); got < 1<<20 || got > 1<<50 {
		t.Errorf("got %d bytes", got)
	}
}
