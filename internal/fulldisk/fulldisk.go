// Package fulldisk gives tests a disk that is full: by a limit on the size of files, which has that effect on one process, or by a small
// file system, which takes root. Only tests import it.
package fulldisk
