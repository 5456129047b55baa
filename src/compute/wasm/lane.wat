;; Owns: kernels over one lane's own memory, which the runtime reads and writes too: join, fold, a product where there is no
;; runtime. Does not own: hashing (node:crypto), who works on what (../cpu/lane.ts).
;;
;; Rows to be hashed lie in chunks of CH = min(n, 1024) bytes, each behind 64 bytes of which the last is its tag (bank.wat).
(module
  (import "host" "memory" (memory 1))

  ;; out[r][k] = (rows[r][k] + columns[r][k] + ((x[r] * y[k]) mod 2^32 >> 24)) ^ flip, mod 256: rows of A of one label, as
  ;; signed bytes with $flip 0, as unsigned ones around 128 with $flip 128. $columns are in chunks, the others are plain.
  (func (export "join")
    (param $rows i32) (param $columns i32) (param $x i32) (param $y i32) (param $out i32) (param $count i32) (param $n i32) (param $chunk i32) (param $flip i32)
    (local $q i32) (local $in i32) (local $end i32) (local $left i32) (local $w v128) (local $m v128)
    (local.set $m (i8x16.splat (local.get $flip)))
    (loop $each
      (local.set $w (v128.load32_splat (local.get $x)))
      (local.set $q (local.get $y))
      (local.set $left (local.get $n))
      (loop $chunks
        (local.set $columns (i32.add (local.get $columns) (i32.const 64)))
        (local.set $end (i32.add (local.get $columns) (local.get $chunk)))
        (loop $bytes
          (v128.store (local.get $out)
            (v128.xor (local.get $m)
              (i8x16.add
                (i8x16.add (v128.load (local.get $rows)) (v128.load (local.get $columns)))
                (i8x16.narrow_i16x8_u
                  (i16x8.narrow_i32x4_u
                    (i32x4.shr_u (i32x4.mul (local.get $w) (v128.load (local.get $q))) (i32.const 24))
                    (i32x4.shr_u (i32x4.mul (local.get $w) (v128.load offset=16 (local.get $q))) (i32.const 24)))
                  (i16x8.narrow_i32x4_u
                    (i32x4.shr_u (i32x4.mul (local.get $w) (v128.load offset=32 (local.get $q))) (i32.const 24))
                    (i32x4.shr_u (i32x4.mul (local.get $w) (v128.load offset=48 (local.get $q))) (i32.const 24)))))))
          (local.set $q (i32.add (local.get $q) (i32.const 64)))
          (local.set $rows (i32.add (local.get $rows) (i32.const 16)))
          (local.set $out (i32.add (local.get $out) (i32.const 16)))
          (br_if $bytes (i32.lt_u (local.tee $columns (i32.add (local.get $columns) (i32.const 16))) (local.get $end))))
        (br_if $chunks (local.tee $left (i32.sub (local.get $left) (local.get $chunk)))))
      (local.set $x (i32.add (local.get $x) (i32.const 4)))
      (br_if $each (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))

  ;; label bytes of $count rows of accumulators at $c: plain at $plain, in chunks at $chunks
  (func (export "fold") (param $c i32) (param $plain i32) (param $chunks i32) (param $count i32) (param $n i32) (param $chunk i32)
    (local $end i32) (local $left i32) (local $v v128)
    (local.set $left (i32.mul (local.get $count) (local.get $n)))
    (loop $each
      (local.set $chunks (i32.add (local.get $chunks) (i32.const 64)))
      (local.set $end (i32.add (local.get $chunks) (local.get $chunk)))
      (loop $bytes
        (local.set $v
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_u
              (call $byte (v128.load (local.get $c)))
              (call $byte (v128.load offset=16 (local.get $c))))
            (i16x8.narrow_i32x4_u
              (call $byte (v128.load offset=32 (local.get $c)))
              (call $byte (v128.load offset=48 (local.get $c))))))
        (v128.store (local.get $plain) (local.get $v))
        (v128.store (local.get $chunks) (local.get $v))
        (local.set $c (i32.add (local.get $c) (i32.const 64)))
        (local.set $plain (i32.add (local.get $plain) (i32.const 16)))
        (br_if $bytes (i32.lt_u (local.tee $chunks (i32.add (local.get $chunks) (i32.const 16))) (local.get $end))))
      (br_if $each (local.tee $left (i32.sub (local.get $left) (local.get $chunk))))))

  (func $byte (param $v v128) (result v128)
    (v128.and (v128.const i32x4 255 255 255 255)
      (v128.xor (local.get $v)
        (v128.xor (i32x4.shr_s (local.get $v) (i32.const 8)) (i32x4.shr_s (local.get $v) (i32.const 16))))))

  ;; plain rows at $rows in chunks at $chunks, to be hashed
  (func (export "spread") (param $rows i32) (param $chunks i32) (param $bytes i32) (param $chunk i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $rows) (local.get $bytes)))
    (loop $each
      (memory.copy (i32.add (local.get $chunks) (i32.const 64)) (local.get $rows) (local.get $chunk))
      (local.set $chunks (i32.add (local.get $chunks) (i32.add (local.get $chunk) (i32.const 64))))
      (br_if $each (i32.lt_u (local.tee $rows (i32.add (local.get $rows) (local.get $chunk))) (local.get $end)))))

  ;; C = A B for an even number of rows of signed bytes at $a; $b holds B's columns as rows. Tiles of 2 x 4: the four columns
  ;; stay in the first cache while all rows pass.
  (func (export "multiply") (param $a i32) (param $b i32) (param $c i32) (param $rows i32) (param $n i32)
    (local $i i32) (local $j i32) (local $p i32) (local $q i32) (local $end i32) (local $x v128) (local $y v128) (local $w v128)
    (local $n2 i32) (local $n3 i32) (local $out i32)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $b0 v128) (local $b1 v128) (local $b2 v128) (local $b3 v128)
    (local.set $n2 (i32.shl (local.get $n) (i32.const 1)))
    (local.set $n3 (i32.add (local.get $n2) (local.get $n)))
    (loop $columns
      (local.set $i (i32.const 0))
      (local.set $p (local.get $a))
      (loop $each
        (local.set $a0 (v128.const i32x4 0 0 0 0)) (local.set $a1 (local.get $a0)) (local.set $a2 (local.get $a0)) (local.set $a3 (local.get $a0))
        (local.set $b0 (local.get $a0)) (local.set $b1 (local.get $a0)) (local.set $b2 (local.get $a0)) (local.set $b3 (local.get $a0))
        (local.set $q (local.get $b))
        (local.set $end (i32.add (local.get $b) (local.get $n)))
        (loop $terms
          (local.set $x (v128.load8x8_s (local.get $p)))
          (local.set $y (v128.load8x8_s (i32.add (local.get $p) (local.get $n))))
          (local.set $w (v128.load8x8_s (local.get $q)))
          (local.set $a0 (i32x4.add (local.get $a0) (i32x4.dot_i16x8_s (local.get $x) (local.get $w))))
          (local.set $b0 (i32x4.add (local.get $b0) (i32x4.dot_i16x8_s (local.get $y) (local.get $w))))
          (local.set $w (v128.load8x8_s (i32.add (local.get $q) (local.get $n))))
          (local.set $a1 (i32x4.add (local.get $a1) (i32x4.dot_i16x8_s (local.get $x) (local.get $w))))
          (local.set $b1 (i32x4.add (local.get $b1) (i32x4.dot_i16x8_s (local.get $y) (local.get $w))))
          (local.set $w (v128.load8x8_s (i32.add (local.get $q) (local.get $n2))))
          (local.set $a2 (i32x4.add (local.get $a2) (i32x4.dot_i16x8_s (local.get $x) (local.get $w))))
          (local.set $b2 (i32x4.add (local.get $b2) (i32x4.dot_i16x8_s (local.get $y) (local.get $w))))
          (local.set $w (v128.load8x8_s (i32.add (local.get $q) (local.get $n3))))
          (local.set $a3 (i32x4.add (local.get $a3) (i32x4.dot_i16x8_s (local.get $x) (local.get $w))))
          (local.set $b3 (i32x4.add (local.get $b3) (i32x4.dot_i16x8_s (local.get $y) (local.get $w))))
          (local.set $p (i32.add (local.get $p) (i32.const 8)))
          (br_if $terms (i32.lt_u (local.tee $q (i32.add (local.get $q) (i32.const 8))) (local.get $end))))
        (local.set $out
          (i32.add (local.get $c) (i32.shl (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $j)) (i32.const 2))))
        (v128.store (local.get $out) (call $sums (local.get $a0) (local.get $a1) (local.get $a2) (local.get $a3)))
        (v128.store (i32.add (local.get $out) (i32.shl (local.get $n) (i32.const 2)))
          (call $sums (local.get $b0) (local.get $b1) (local.get $b2) (local.get $b3)))
        (local.set $p (i32.add (local.get $p) (local.get $n)))
        (br_if $each (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 2))) (local.get $rows))))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $n) (i32.const 2))))
      (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 4))) (local.get $n)))))

  ;; the sum of each of four vectors
  (func $sums (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (call $pairs (call $pairs (local.get $a) (local.get $b)) (call $pairs (local.get $c) (local.get $d))))
  (func $pairs (param $a v128) (param $b v128) (result v128)
    (i32x4.add
      (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b))
      (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b)))))
