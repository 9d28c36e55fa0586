#Requires AutoHotkey v2.0
; Types a greeting and the date.
::sig::Kind regards
:X:ddate::SendText(FormatTime(, "yyyy-MM-dd"))
