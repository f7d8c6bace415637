package machine

import (
	"os"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/starsweep/starsweep/internal/require"
)

const (
	mb = 1 << 20
	gb = 1 << 30
)

// linux is a machine with 20 GB free, and a process that has 100 MB of memory and 1 GB of address space.
func linux(more map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"proc/meminfo":     "MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   20971520 kB\n",
		"proc/self/status": "Name:\tstarsweep\nVmPeak:\t 2097152 kB\nVmSize:\t 1048576 kB\nVmHWM:\t 204800 kB\nVmRSS:\t  102400 kB\n",
		"proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \n" +
			"Max cpu time              unlimited            unlimited            seconds   \n" +
			"Max address space         unlimited            unlimited            bytes     \n",
		"proc/self/cgroup": "0::/\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestMemoryIsTheLeastOfWhatBoundsIt(t *testing.T) {
	for _, x := range []struct {
		name string
		more map[string]string
		want Room
	}{
		{"nothing but the machine", nil, Room{20*gb + 100*mb, 100 * mb, "the machine"}},
		{"an address space", map[string]string{
			"proc/self/limits": "Max address space         8589934592           unlimited            bytes     \n"},
			Room{7*gb + 100*mb, 100 * mb, "the address space (ulimit -v)"}},
		{"an address space that is used up", map[string]string{"proc/self/limits": "Max address space         1048576 1048576 bytes\n"},
			Room{1, 100 * mb, "the address space (ulimit -v)"}},
		{"a control group without a limit", map[string]string{"sys/fs/cgroup/memory.max": "max\n",
			"sys/fs/cgroup/memory.current": "1073741824\n"},
			Room{20*gb + 100*mb, 100 * mb, "the machine"}},
		{"a container", map[string]string{"proc/self/cgroup": "0::/host/path/42\n", "sys/fs/cgroup/memory.max": "4294967296\n",
			"sys/fs/cgroup/memory.current": "1073741824\n", "sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 536870912\n"},
			Room{4*gb - gb + 512*mb + 100*mb, 100 * mb, "the control group"}},
		{"a group above", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "2147483648\n",
			"sys/fs/cgroup/a/memory.current": "1073741824\n", "sys/fs/cgroup/a/b/memory.max": "max\n"},
			Room{gb + 100*mb, 100 * mb, "the control group"}},
		{"version 1", map[string]string{"proc/self/cgroup": "5:cpu:/x\n7:memory:/x\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "3221225472\n",
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "1073741824\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n"},
			Room{2*gb + 100*mb, 100 * mb, "the control group"}},
	} {
		got := Memory(linux(x.more))
		if got != x.want {
			t.Errorf("%s: got %+v, want %+v", x.name, got, x.want)
		}
		if got, want := got.Free(), max(1, x.want.Bytes-100*mb); got != want {
			t.Errorf("%s: got %d bytes free, want %d", x.name, got, want)
		}
	}
}

func TestWorkAndMemoryOfThisProcessAreCounted(t *testing.T) {
	before := Used()
	if before.PeakMemory < mb {
		require.Unavailable(t, "the system does not report usage: %+v", before)
	}
	work := make([]byte, 100*mb)
	for n := 0; Used().Processor()-before.Processor() < 20*time.Millisecond; n++ {
		work[n%len(work)]++
	}
	for i := range work {
		work[i]++
	}
	if after := Used(); after.PeakMemory < 100*mb || after.PeakMemory > 100*gb || after.User < before.User || after.System < before.System {
		t.Errorf("got %+v, before it was %+v", after, before)
	}
	runtime.KeepAlive(work)
}

func TestTheMemoryOfSeveralProcessesIsDivided(t *testing.T) {
	whole := Room{5 * gb, gb, "the machine"}
	for _, c := range []struct {
		room  Room
		bytes int
		want  Room
	}{
		{whole, 0, whole},
		{whole, 2 * gb, Room{3 * gb, gb, "each of 2 processes"}},
		{whole, 6 * gb, whole}, // others have taken the rest
		{Room{}, gb, Room{gb, 0, "each of 2 processes"}},
	} {
		if got := c.room.Part(c.bytes, 2); got != c.want {
			t.Errorf("%d bytes of %+v: got %+v, want %+v", c.bytes, c.room, got, c.want)
		}
	}
}

func TestKillsOfTheKernelAreCounted(t *testing.T) {
	if got := Killed(linux(map[string]string{"proc/vmstat": "oom_kill_disable 9\noom_kill 3\npgfault 7\n"})); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
	if got := Killed(fstest.MapFS{}); got != 0 {
		t.Errorf("without the file: got %d, want 0", got)
	}
}

func TestMemoryIsUnknownWithoutTheFiles(t *testing.T) {
	if got := Memory(fstest.MapFS{}); got != (Room{}) || got.Free() != 0 {
		t.Errorf("got %+v, want nothing", got)
	}
}

func TestMemoryOfThisProcessIsKnownOnLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		require.Unavailable(t, "no /proc")
	}
	if got := Memory(os.DirFS("/")); got.Bytes < 10*mb || got.Whose == "" {
		t.Errorf("got %+v", got)
	}
}
