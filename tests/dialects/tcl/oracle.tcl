# Reads paths from standard input, one a line; for each prints "path<TAB>message" if Tcl's own compiler
# finds a syntax error in it, else "path<TAB>". Compiles, never runs.

proc syntax_error {body} {
    if {![info complete $body]} {return "incomplete"}
    if {[catch {::tcl::unsupported::disassemble lambda [list {} $body]} listing]} {return $listing}
    set last ""
    set before ""
    foreach line [split $listing \n] {
        if {[regexp {push\d? \d+ \t# "(.*)} $line -> literal]} {set before $last; set last $literal}
        if {[regexp {\) (syntax) } $line]} {return "$before ($last)"}
    }
    return ""
}

# The commands of a script, by adding lines until they are complete.
proc commands {body} {
    set found {}
    set pending ""
    foreach line [split $body \n] {
        append pending $line \n
        if {[info complete $pending] && ![regexp {(^|[^\\])(\\\\)*\\\n$} $pending]} {
            lappend found [string trim $pending]
            set pending ""
        }
    }
    if {[string trim $pending] ne ""} {lappend found [string trim $pending]}
    return $found
}

proc nested {command} {
    if {[string index $command 0] eq "#" || [catch {llength $command} count]} {return {}}
    switch -- [string trimleft [lindex $command 0] :] {
        proc {if {$count == 4} {return [list [lindex $command 3]]}}
        namespace {if {$count == 4 && [lindex $command 1] eq "eval"} {return [list [lindex $command 3]]}}
        method - typemethod {if {$count == 4} {return [list [lindex $command 3]]}}
        constructor {if {$count == 3} {return [list [lindex $command 2]]}}
        destructor - typeconstructor {if {$count == 2} {return [list [lindex $command 1]]}}
        oo::class {if {$count == 4} {return [list [lindex $command 3]]}}
        snit::type - snit::widget - oo::define {if {$count == 3} {return [list [lindex $command 2]]}}
    }
    return {}
}

proc judge {body {depth 0}} {
    set error [syntax_error $body]
    if {$error ne "" || $depth > 20} {return $error}
    foreach command [commands $body] {
        if {[regexp {^[\}\]]+$} $command]} {return "stray $command"}
        foreach inner [nested $command] {
            set error [judge $inner [expr {$depth + 1}]]
            if {$error ne ""} {return $error}
        }
    }
    return ""
}

fconfigure stdout -encoding utf-8
while {[gets stdin path] >= 0} {
    set channel [open $path]
    fconfigure $channel -encoding utf-8
    set body [read $channel]
    close $channel
    puts "$path\t[string map {\n { } \t { }} [judge $body]]"
}
