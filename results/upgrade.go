package results

import "fmt"

// upgrading reports whether an upgrade has begun and not ended.
func upgrading(dir string) bool { return exists(dir + "/" + upgradeFolder) }

// upgrade brings a study of the old schema into today's form.
func (w *Writer) upgrade(dir string, m Meta, f file) error {
	return fmt.Errorf("%w: %s: got schema version %d, want %d", ErrOther, dir, f.Schema, SchemaVersion)
}
