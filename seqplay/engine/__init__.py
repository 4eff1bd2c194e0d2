"""The only folder that imports torch. Nothing above imports it: it is started as a process."""
