#Requires AutoHotkey v2.0
; Shows the time in a tooltip for two seconds.
^!t:: {
    ToolTip(FormatTime(, "HH:mm:ss"))
    SetTimer(() => ToolTip(), -2000)
}
