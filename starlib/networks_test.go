package starlib_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/starlib"
)

// networks puts a generator and a discriminator of the standard library into a study.
const networks = `
load("@std//dcgan.star", "dcgan", "discriminator32", "discriminator_ct", "generator32", "generator_ct")
load("@std//losses.star", "non_saturating")
load("@std//mlp.star", "image_mlp", "mlp")

def trial(p):
    return gan(data = %s, generator = %s, discriminator = %s, latent = normal(%d), loss = non_saturating(),
        optimizer = adam(lr = 1e-4), batch = 2, epochs = 1)

main = study(trial = trial)
`

var pairs = []struct {
	name                     string
	data                     string
	generator, discriminator string
	latent                   int
	// Trained numbers, by hand.
	wantG, wantD int
}{
	// Westberg, section 4.2: dense 100*4096, norm 2*256, 25*256*128, norm 2*128, 25*128*64, norm 2*64, 25*64*1+1;
	// 25*1*64+64, 25*64*128+128, norm 2*128, 25*128*256+256, norm 2*256, 4096+1.
	{"westberg_mnist", "mnist(size = 32)", "generator32(channels = 1)", "discriminator32()", 100,
		409600 + 512 + 819200 + 256 + 204800 + 128 + 1601, 1664 + 204928 + 256 + 819456 + 512 + 4097},
	// The same for three channels, latent 128, and the critic without norm: 25*64*3+3; 25*3*64+64.
	{"westberg_cifar10_critic", "cifar10()", "generator32(channels = 3)", "discriminator32(norm = False)", 128,
		524288 + 512 + 819200 + 256 + 204800 + 128 + 4803, 4864 + 204928 + 819456 + 4097},
	// Andrei and Ionescu, 64 pixels, width 32, latent 100; filters and strides are ours. 16*100*512, 3 strides of 1 and 4 of 2
	// with norms between: 16*512*512 + 16*512*512 + 16*512*256 + 16*256*256 + 16*256*128 + 16*128*64 + 16*64*1+1, and
	// 2*(512+512+512+256+256+128+64); 16*1*32+32, 16*32*64+64, 16*64*128+128, 16*128*256+256, 16*256*512+512, 4*512+1.
	{"andrei_ionescu_64", "parquet(path = 'x', size = 64, channels = 1)", "generator_ct(size = 64)", "discriminator_ct()", 100,
		819200 + 4194304 + 4194304 + 2097152 + 1048576 + 524288 + 131072 + 1025 + 2*(512+512+512+256+256+128+64),
		544 + 32832 + 131200 + 524544 + 2097664 + 2049},
	{"andrei_ionescu_256", "parquet(path = 'x', size = 256, channels = 1)", "generator_ct(size = 256, width = 8)",
		"discriminator_ct(width = 8)", 50,
		16*50*128 + 16*128*128 + 16*128*128 + 16*128*64 + 16*64*64 + 16*64*32 + 16*32*16 + 16*16 + 1 + 2*(128+128+128+64+64+32+16),
		16*8 + 8 + 16*8*16 + 16 + 16*16*32 + 32 + 16*32*64 + 64 + 16*64*128 + 128 + 8*8*128 + 1},
	// Radford et al., figure 1: 1024, 512, 256, 128, 3 channels for 64 pixels, kernel 5.
	{"radford_64", "images(path = 'x', size = 64, channels = 3)", "dcgan(64, 3, width = 128).generator",
		"dcgan(64, 3, width = 128).discriminator", 100,
		100*16*1024 + 2*1024 + 25*1024*512 + 2*512 + 25*512*256 + 2*256 + 25*256*128 + 2*128 + 25*128*3 + 3,
		25*3*128 + 128 + 25*128*256 + 2*256 + 25*256*512 + 2*512 + 25*512*1024 + 2*1024 + 16*1024 + 1},
	{"dcgan_16", "mnist(size = 16)", "dcgan(16, 1, width = 8).generator", "dcgan(16, 1, width = 8).discriminator", 10,
		10*16*16 + 2*16 + 25*16*8 + 2*8 + 25*8 + 1, 25*8 + 8 + 25*8*16 + 2*16 + 16*16 + 1},
	{"dcgan_128", "images(path = 'x', size = 128, channels = 1)", "dcgan(128, 1, width = 4, kernel = 4).generator",
		"dcgan(128, 1, width = 4, kernel = 4).discriminator", 8,
		8*16*64 + 2*64 + 16*64*32 + 2*32 + 16*32*16 + 2*16 + 16*16*8 + 2*8 + 16*8*4 + 2*4 + 16*4 + 1,
		16*4 + 4 + 16*4*8 + 2*8 + 16*8*16 + 2*16 + 16*16*32 + 2*32 + 16*32*64 + 2*64 + 16*64 + 1},
	{"mlp", "mnist()", "image_mlp([16], size = 28)", "mlp([32, 16], 1)", 4, 4*16 + 16 + 16*784 + 784, 784*32 + 32 + 32*16 + 16 + 16 + 1},
}

// The layers, shapes and parameters of the networks of papers do not change. UPDATE=1 go test rewrites the table.
func TestNetworksOfTheStandardLibrary(t *testing.T) {
	var table strings.Builder
	for _, p := range pairs {
		s := load(t, fmt.Sprintf(networks, p.data, p.generator, p.discriminator, p.latent))
		job, err := s.Job(context.Background(), nil)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		tables := s.Networks(job)
		if len(tables) != 2 {
			t.Fatalf("%s: got %d networks, want 2", p.name, len(tables))
		}
		for _, n := range tables {
			want := map[string]int{"generator": p.wantG, "discriminator": p.wantD}[n.Name]
			if n.Params != want || job.Program.Parameters(n.Name) != want {
				t.Errorf("%s: the %s has %d parameters in its table and %d in all, want %d", p.name, n.Name, n.Params,
					job.Program.Parameters(n.Name), want)
			}
			fmt.Fprintf(&table, "%s %s: %v, %d parameters, %d buffers\n", p.name, n.Name, n.Input, n.Params, n.Buffers)
			for _, r := range n.Rows {
				fmt.Fprintf(&table, "    %-18s %-26v %9d %6d\n", r.Layer, r.Output, r.Params, r.Buffers)
			}
			for _, v := range job.Program.Vars {
				if v.Player() == n.Name && v.Role == model.Weight {
					fmt.Fprintf(&table, "  %-38s %v %v\n", v.Name, v.Shape, v.Init)
				}
			}
		}
	}
	golden(t, "testdata/networks.txt", table.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (UPDATE=1 writes it anew):\n%s", path, got)
	}
}

// Every file of the standard library has a docstring, and so has every function that a script may load.
func TestTheStandardLibraryIsDocumented(t *testing.T) {
	for name, source := range starlib.Std() {
		if !strings.HasPrefix(source, `"""`) {
			t.Errorf("%s begins without a docstring", name)
		}
		lines := strings.Split(source, "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, "def ") && !strings.HasPrefix(line, "def _") && !strings.Contains(lines[i+1], `"""`) {
				t.Errorf("%s:%d: %s has no docstring", name, i+1, line)
			}
			if len(line) > 132 {
				t.Errorf("%s:%d: longer than 132 characters", name, i+1)
			}
		}
	}
}
