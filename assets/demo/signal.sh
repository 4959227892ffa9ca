#!/bin/sh
# Says in Morse what a harbour says all day.
echo "-... . ..-. --- .-. .   - .... .   -... . .-.. .-.."
