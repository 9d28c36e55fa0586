#Requires AutoHotkey v2.0
; Keeps the active window on top, or lets it go.
#HotIf WinActive("A")
^Space:: {
    WinSetAlwaysOnTop(-1, "A")
    state := (WinGetExStyle("A") & 0x8) ? "on top" : "as before"
    ToolTip("The window is " state)
    SetTimer(() => ToolTip(), -1000)
}
#HotIf
