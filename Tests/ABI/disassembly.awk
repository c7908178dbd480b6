# Reads `objdump --disassemble --no-show-raw-insn` of the unstripped library (x86-64) and prints a line for every fault; nothing if all is
# well. A Swift module's name stands in its symbols after its length: 11RillKernels, 13RillKernelsV3, 13RillKernelsV4.
#
# What can go wrong without any test of results noticing:
#   - a kernel is emitted again in its caller's module, at the baseline: no ymm in V3, no zmm in V4
#   - code for a newer processor leaks into what every processor runs: an illegal instruction on an old one
#   - a helper stays a call, or a vector loop becomes a scalar one, at a multiple of the time

function module_of(symbol) {
  if (symbol ~ /13RillKernelsV3/) return "V3"
  if (symbol ~ /13RillKernelsV4/) return "V4"
  if (symbol ~ /11RillKernels/) return "baseline"
  return ""
}

# The kernels that do the work; not the function that fills the table of kernels, nor its closures, which only jump to them.
function is_hot(symbol) { return symbol ~ /(Forward|Backward|product|affine|update|Singles|Pairs|Fours|Rows|Row)/ && symbol !~ /[0-9]fill/ }

function fault(text) {
  if (!(text in faults)) print text
  faults[text] = 1
}

# What compilers call by themselves, and the logarithms and exponentials of the losses.
function is_allowed(target) { return target ~ /^(memset|memcpy|memmove|__stack_chk_fail|logf?|log1pf?|expf?|expm1f?)(@.*)?$/ }

# The entries of the table of kernels: jumps, which the linker may fold into those of another level.
function is_thunk(symbol) { return symbol ~ /[0-9]fill/ }
# A step calls the kernels of its plan.
function is_plan(symbol) { return symbol ~ /[0-9]step/ }

function finish_function() {
  if (name == "") return
  if (module == "V3" && is_hot(name)) {
    if (!ymm) fault(name ": a V3 kernel without ymm registers")
    if (zmm) fault(name ": a V3 kernel with zmm registers")
    kernels["V3"]++
  } else if (module == "V4" && is_hot(name)) {
    if (!zmm) fault(name ": a V4 kernel without zmm registers")
    kernels["V4"]++
  } else if (module != "V3" && module != "V4") {
    if (avx) fault(name ": AVX instructions outside of V3 and V4, " avx " times, first " first_avx)
    if (module == "baseline" && is_hot(name)) kernels["baseline"]++
  }
  if (module != "" && is_hot(name) && scalar) fault(name ": scalar multiply-adds, " scalar " times")
}

/^[0-9a-f]+ <.*>:$/ {
  finish_function()
  name = $2
  gsub(/^<|>:$/, "", name)
  module = module_of(name)
  ymm = zmm = avx = scalar = 0
  next
}

name != "" && /^ +[0-9a-f]+:/ {
  line = $0
  sub(/^ +[0-9a-f]+:[ \t]*/, "", line)
  split(line, words, /[ \t]+/)
  if (line ~ /%ymm/) ymm++
  if (line ~ /%zmm/) zmm++
  if (words[1] ~ /^v/ && words[1] !~ /^ver[rw]$/) { if (!avx++) first_avx = words[1] }
  if (words[1] ~ /^vfn?m(add|sub).*ss$/) scalar++
  if (module != "" && words[1] ~ /^(call|jmp)q?$/) {
    target = line
    if (target ~ /<.*>/) {
      sub(/^[^<]*</, "", target)
      sub(/>.*$/, "", target)
      sub(/\+0x[0-9a-f]+$/, "", target)
      if (target != name && module_of(target) != module && !is_allowed(target) && !is_thunk(target)) fault(name ": leaves its module for " target)
    } else if (words[1] ~ /^call/ && !is_plan(name)) fault(name ": an indirect call")
  }
}

END {
  finish_function()
  for (i = split("baseline V3 V4", levels, " "); i > 0; i--)
    if (kernels[levels[i]] < 10) print "only " kernels[levels[i]] + 0 " hot kernels of the module " levels[i] " were found"
}
