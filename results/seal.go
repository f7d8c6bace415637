package results

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/starsweep/starsweep/internal/regular"
)

// noSeal takes the place of the checksum while it is computed. Parquet's own checksums leave out the footer, where a flipped bit can
// rename a column.
const noSeal = "00000000"

// sealOf returns the CRC-32C of a file with noSeal in the place of its checksum, and where that is; -1 if there is none. The file may
// be the end of one whose beginning has the given CRC-32C.
func sealOf(crc uint32, file []byte) (sum string, at int) {
	mark := append([]byte(sealKey), 0x18, byte(len(noSeal))) // Thrift's compact form of the field after the key
	i := bytes.LastIndex(file, mark)
	at = i + len(mark)
	if i < 0 || at+len(noSeal) > len(file) {
		return "", -1
	}
	crc = crc32.Update(crc, castagnoli, file[:at])
	crc = crc32.Update(crc, castagnoli, []byte(noSeal))
	return fmt.Sprintf("%08x", crc32.Update(crc, castagnoli, file[at+len(noSeal):])), at
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openParquet opens one of our files in memory. It is an error if the file is not as it was written.
func openParquet(file []byte) (p *parquet.File, err error) {
	sum, at := sealOf(0, file)
	if at < 0 || string(file[at:at+len(noSeal)]) != sum {
		return nil, errors.New("the file is damaged, or not as this version of starsweep wrote it")
	}
	return p, guarded(func() (err error) {
		p, err = parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
		return err
	})
}

// lookAt calls f with one of our files, of which it has checked that it is as it was written, without having it in memory: a compacted
// file of pictures may be large. F reads no rows.
func lookAt(path string, f func(*parquet.File) error) error {
	file, err := regular.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := checkSeal(file, info.Size()); err != nil {
		return err
	}
	return guarded(func() error {
		p, err := parquet.OpenFile(file, info.Size())
		if err != nil {
			return err
		}
		return f(p)
	})
}

// checkSeal is an error if a file is not as it was written.
func checkSeal(file io.ReaderAt, size int64) error {
	damaged := errors.New("the file is damaged, or not as this version of starsweep wrote it")
	var end [8]byte // the length of the footer, and a mark
	if size < int64(len(end)) {
		return damaged
	}
	if _, err := file.ReadAt(end[:], size-int64(len(end))); err != nil {
		return err
	}
	begin := size - int64(len(end)) - int64(binary.LittleEndian.Uint32(end[:]))
	if begin < 0 {
		return damaged
	}
	crc := crc32.New(castagnoli)
	if _, err := io.CopyBuffer(crc, io.NewSectionReader(file, 0, begin), make([]byte, 1<<20)); err != nil {
		return err
	}
	footer := make([]byte, size-begin)
	if _, err := file.ReadAt(footer, begin); err != nil {
		return err
	}
	if sum, at := sealOf(crc.Sum32(), footer); at < 0 || string(footer[at:at+len(noSeal)]) != sum {
		return damaged
	}
	return nil
}

// sealer writes a file, and keeps the end of it, which its checksum gets into.
type sealer struct {
	w      io.Writer
	crc    uint32        // of what was written
	footer *bytes.Buffer // what follows the rows; nil before
}

func (s *sealer) Write(b []byte) (int, error) {
	if s.footer != nil {
		return s.footer.Write(b)
	}
	s.crc = crc32.Update(s.crc, castagnoli, b)
	return s.w.Write(b)
}

// seal writes the rest of the file with the checksum in its place.
func (s *sealer) seal() error {
	b := s.footer.Bytes()
	sum, at := sealOf(s.crc, b)
	if at < 0 {
		return errors.New("the file has no place for its checksum") // impossible: the key is in the metadata
	}
	copy(b[at:], sum)
	_, err := s.w.Write(b)
	return err
}
