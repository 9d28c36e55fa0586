#Requires AutoHotkey v2.0
; Counts the words of the selected text.
class WordCounter {
    __New(text) {
        this.text := text
    }

    Count() {
        total := 0
        for word in StrSplit(this.text, [" ", "`n", "`t"])
            if word != ""
                total += 1
        return total
    }
}

^!w:: {
    A_Clipboard := ""
    Send("^c")
    if !ClipWait(1)
        return
    MsgBox(WordCounter(A_Clipboard).Count() " words")
}
